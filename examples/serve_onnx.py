"""A policy from training to serving: trained, exported to one ONNX file, asked by onnxruntime alone.

Run it: python examples/serve_onnx.py [SESSIONS]
"""

import sys
from pathlib import Path

import numpy as np
import onnxruntime

from preroll.agents import OnnxAgent, export_onnx
from preroll.simulations import sample_observations, train


def main(sessions: int = 5_000) -> None:
    """Trains for so many sessions of `fatigue`, and answers requests from the file."""
    result = train("linucb", scenario="fatigue", sessions=sessions, seed=1)
    observations = sample_observations(result.tables, 10_000)
    path = Path("policy.onnx")
    size = export_onnx(result.agent, path, observations)  # refuses if one of these observations gets another ad
    print(f"{path}: {size:,} bytes, the agent's ad for {len(observations):,} observations")

    # A server needs the file and onnxruntime, nothing of preroll: raw observations in, as many as there are.
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    scores, ads, probabilities = session.run(["scores", "ad", "probabilities"], {"observation": observations[:4]})
    labels = result.tables.spec.labels
    for ad, score, probability in zip(ads, scores, probabilities, strict=True):
        print(f"show {labels[ad]} (score {score[ad]:.2f}, probability {probability[ad]:.2f})")

    # OnnxAgent makes an agent of the file again, to be evaluated like any other.
    agent = OnnxAgent.from_file(path)
    assert np.array_equal(agent.act(observations), session.run(["ad"], {"observation": observations})[0])


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))

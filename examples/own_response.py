"""A completion model of one's own as the users of the simulation, and where an agent loses that learned on it.

Run it: python examples/own_response.py [SESSIONS]
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

from preroll.agents import make_agent
from preroll.envs import Optimum, Scenario, Tables, tabulate
from preroll.perception import Catalog
from preroll.perception.prediction import Response, update_catalog
from preroll.simulations import fit

ADS = ("soap.short", "soap.long", "tyres.short", "tyres.long")
SCENARIO = """
response: catalog
ads: {soap: &two {short: {seconds: 10, reward: 1}, long: {seconds: 30, reward: 3}}, tyres: *two}
user: {fatigue: {levels: 4, recovery: 1, gain: {short: [1, 1], long: [2, 2]}, wear: [1, 0.7, 0.4, 0.2]}}
observe: {fatigue: true}
"""


def viewed(shown: np.ndarray, long: bool, rng: np.random.Generator) -> np.ndarray:
    """Draws which of the logged impressions were viewed; a platform has its own log instead."""
    taste = rng.normal(0, 3, shown.shape[1])  # what an ad's viewers like to see before it
    return rng.random(len(shown)) < 1 / (1 + np.exp(1.5 * long - (shown - shown.mean(axis=0)) @ taste))


def main(sessions: int = 3_000) -> None:
    """Fits a model for each ad to 5,000 logged impressions, and takes its predictions for all 300 demo videos."""
    catalog, rng, tables = Catalog.load("demo"), np.random.default_rng(0), []
    paths, features = catalog.videos()["path"], np.asarray(catalog.importance)
    for ad in ADS:
        shown = features[rng.integers(catalog.n_videos, size=5_000)]
        model = LogisticRegression().fit(shown, viewed(shown, ad.endswith("long"), rng))
        tables.append(pd.DataFrame({"video": paths, "ad": ad, "probability": model.predict_proba(features)[:, 1]}))
    pd.concat(tables).to_csv("predictions.csv", index=False)
    # On the command line: preroll predict annotate demo --response predictions.csv --out demo-with-response
    read = Response.read("predictions.csv", catalog)
    made = update_catalog(catalog, "demo-with-response", response=read)
    Path("own-response.yaml").write_text(SCENARIO)
    compiled = Tables.compile(Scenario.load("own-response.yaml"), made)
    optimum = Optimum(compiled)
    print(f"The optimum earns {optimum.value:.2f} per session; it {optimum.knowledge.note}.")
    for name in ("thompson", "linucb"):
        agent = make_agent(name, compiled, seed=1)
        fit(agent, compiled, sessions=sessions, seed=1)
        explanation = optimum.explain(tabulate(compiled, agent.action_probabilities))
        worst = {split: max(parts, key=parts.__getitem__) for split, parts in explanation.lost.items()}
        print(f"{name} loses {explanation.percent:.1f} % of it, most before {worst['category']}, by {worst['ad']}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))

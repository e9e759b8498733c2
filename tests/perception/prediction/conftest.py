"""Generated data sets, made once, and how likely their labels are under what was predicted."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from preroll.perception.prediction.framework.task import Fitted
from preroll.perception.prediction.generators.ideal import Ideal
from preroll.perception.prediction.generators.memorable_clips import generate_memorability
from preroll.perception.prediction.generators.tag_videos import generate_tags
from preroll.perception.prediction.generators.trailers import generate_genres

Made = tuple[Path, Ideal]


@pytest.fixture
def rng() -> np.random.Generator:
    """A generator of the test's own, so that its numbers do not depend on which tests ran before."""
    return np.random.default_rng(0)


@pytest.fixture(scope="session", autouse=True)
def one_table_of_operators() -> Iterator[None]:
    """Torch makes the table of what ONNX knows anew, the same one, for every export: half a second each."""
    from torch.onnx._internal.exporter import _registration

    with pytest.MonkeyPatch.context() as patch:
        made_once = staticmethod(cache(_registration.ONNXRegistry.from_torchlib))
        patch.setattr(_registration.ONNXRegistry, "from_torchlib", made_once)
        yield


@pytest.fixture
def unpainted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Diagrams of reliability are not painted, which takes as long as a small training: for tests of anything else."""
    monkeypatch.setattr("preroll.perception.prediction.run._draw", lambda path, _: path.write_bytes(b""))


@pytest.fixture(scope="session")
def tag_files(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """900 training and 300 validation videos as CSV, and the truth about the latter."""
    folder = tmp_path_factory.mktemp("tags")
    return folder, generate_tags(folder, train=900, validation=300)


@pytest.fixture(scope="session")
def trailer_files(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Trailers of 320 movies."""
    folder = tmp_path_factory.mktemp("genres")
    return folder, generate_genres(folder, movies=320)


@pytest.fixture(scope="session")
def clip_files(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """150 clips of 30 movies."""
    folder = tmp_path_factory.mktemp("memorability")
    return folder, generate_memorability(folder, movies=30, clips=5)


def ratio(fitted: Fitted, ideal: Ideal, rows: "NDArray[np.bool_] | slice[Any, Any, Any]" = slice(None)) -> float:
    """log P(labels | predicted) − log P(labels | truth), over the held-out videos of ``rows``.

    Under the truth the ratio itself has a mean of at most 1, so that it exceeds 10⁶ with a probability of at most 10⁻⁶
    (Markov), whatever predicts without having seen the labels.
    """
    held = ideal.rows_of(fitted.ids)
    p = np.clip(fitted.held_out.astype(np.float64), 1e-9, 1 - 1e-9)
    logs = np.where(held.targets, np.log(p), np.log1p(-p)).sum(1) - held.log_likelihood
    return float(logs[rows].sum())

"""Neighbours by objects against neighbours by the embedding, clip by clip."""

from typing import Any

import numpy as np
import pytest

from preroll.perception.catalog.catalog import Catalog
from preroll.perception.inspection.neighbor_quality import NeighborQuality, neighbor_quality
from preroll.terminal.catalog_summary import describe

PIECES = 4


def catalog(clips: int, *, embedding: Any, monkeypatch: pytest.MonkeyPatch | None = None) -> Catalog:
    """Two categories of clips of four pieces each; by objects, each clip is near one of the other category alone."""
    n = 2 * clips * PIECES
    clip = np.arange(n) // PIECES
    objects = np.eye(clips)[clip % clips]
    made = Catalog.from_arrays(
        categories=["cars", "cats"],
        category=clip // clips,
        neighbors=np.full((n, 10), -1),
        importance=objects,
        classes=[f"class {i}" for i in range(clips)],
        embedding=embedding,
    )
    if monkeypatch is not None:
        monkeypatch.setitem(made.__dict__, "groups", clip)
        made.manifest["group_by"] = "name"
    return made


def by_category(clips: int) -> Any:
    return np.eye(2)[np.repeat([0, 1], clips * PIECES)]


def test_pieces_of_the_own_clip_are_no_neighbors(monkeypatch: pytest.MonkeyPatch) -> None:
    found = neighbor_quality(catalog(6, embedding=by_category(6), monkeypatch=monkeypatch))
    assert found is not None
    assert found.by_embedding == 1
    assert found.by_objects == 0
    assert found.chance == pytest.approx(20 / 44)
    assert found.clips == {"cars": 6, "cats": 6}
    assert found.better == 12
    assert found.worse == 0
    assert found.too_few == []


def test_without_groups_pieces_pass_for_clips_and_objects_seem_to_tell() -> None:
    found = neighbor_quality(catalog(6, embedding=by_category(6)))
    assert found is not None
    assert found.by_objects == pytest.approx(3 / 7)
    assert found.clips == {"cars": 24, "cats": 24}


def test_a_video_without_neighbors_counts_as_wrong() -> None:
    found = neighbor_quality(catalog(3, embedding=np.zeros((24, 2))))
    assert found is not None
    assert found.by_embedding == 0


def test_without_embeddings_nothing_is_compared() -> None:
    assert neighbor_quality(catalog(3, embedding=None)) is None


def test_the_sign_test_is_exact() -> None:
    assert NeighborQuality(0, 1, 0, 6, 0, {}).p == pytest.approx(2 / 64)
    assert NeighborQuality(0, 1, 0, 3, 3, {}).p == 1
    assert NeighborQuality(0, 1, 0, 0, 0, {}).p == 1


@pytest.mark.parametrize(("clips", "told"), [(2, True), (3, False)])
def test_fewer_than_three_clips_of_a_category_conclude_nothing(
    clips: int, told: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    describe(catalog(clips, embedding=by_category(clips), monkeypatch=monkeypatch))
    said = capsys.readouterr().out
    assert f"mean over {2 * clips} independent clips: by objects 0.0 %, by embedding 100.0 %" in said
    assert ("Nothing can be concluded from this: cars, cats have fewer than 3 independent clips" in said) == told
    assert ("sign test" in said) != told

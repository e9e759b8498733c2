import json
import os
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from preroll.errors import PrerollError
from preroll.perception.prediction.formats.embeddings import read_embeddings
from preroll.perception.prediction.formats.id_tables import read_ids, read_labels
from preroll.perception.prediction.formats.plain_pickle import read_plain_pickle
from preroll.perception.prediction.framework.bad_input import Skipping


class Evil:
    """A pickle of this runs a command when it is loaded."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, ("touch /tmp/preroll-was-here",)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_builtins_come_out_of_a_pickle(tmp_path: Path, protocol: int) -> None:
    content = {"tt1": [0, 1.5, None, True], "tt2": ("a", b"b", {1, 2})}
    path = tmp_path / "x.pkl"
    path.write_bytes(pickle.dumps({"tt1": [0, 1.5, None, True], "tt2": ("a", 1)}, protocol))
    assert read_plain_pickle(path) == {"tt1": [0, 1.5, None, True], "tt2": ("a", 1)}
    if protocol >= 3:
        path.write_bytes(pickle.dumps(content, protocol))
        assert read_plain_pickle(path) == content


@pytest.mark.parametrize("content", [Evil(), OrderedDict(a=1), np.zeros(3), Path("x"), len, int])
def test_a_pickle_that_asks_for_anything_else_is_refused(tmp_path: Path, content: object) -> None:
    path = tmp_path / "x.pkl"
    path.write_bytes(pickle.dumps([content]))
    with pytest.raises(PrerollError, match="only lists, maps, texts and numbers are allowed"):
        read_plain_pickle(path)
    assert not Path("/tmp/preroll-was-here").exists()


@pytest.mark.parametrize("content", [b"", b"garbage", b"\x80\x04."])
def test_what_is_no_pickle_is_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.pkl"
    path.write_bytes(content)
    with pytest.raises(PrerollError, match="is no plain pickle"):
        read_plain_pickle(path)


def test_ids_are_read_from_json_text_and_pickle_alike(tmp_path: Path) -> None:
    ids = ["tt2", "tt1"]
    (tmp_path / "ids.json").write_text(json.dumps(ids))
    (tmp_path / "ids.txt").write_text("tt2\n\ntt1\n")
    (tmp_path / "ids.pkl").write_bytes(pickle.dumps(ids))
    for path in sorted(tmp_path.iterdir()):
        assert read_ids(path, Skipping()) == ("tt2", "tt1")


def test_an_id_that_occurs_twice_is_bad(tmp_path: Path) -> None:
    path = tmp_path / "ids.json"
    path.write_text('["a", "b", "a"]')
    with pytest.raises(PrerollError, match="row 3: id 'a' occurs twice"):
        read_ids(path, Skipping())
    assert read_ids(path, Skipping(allowed=True)) == ("a", "b")
    path.write_text('{"a": [1], "a": [1]}')
    with pytest.raises(PrerollError, match="'a' occurs twice"):
        read_labels(path, Skipping())


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 1], "id 'b': must have 3 zeros and ones, not 2"),
        ([0, 2, 1], "id 'b', column 2: label 2 must be 0 or 1"),
        ([0, 0, 0], "id 'b': has no label"),
        ("011", "id 'b': must have 3 zeros and ones, not str"),
    ],
)
def test_bad_labels_are_told_with_their_place(tmp_path: Path, labels: object, message: str) -> None:
    path = tmp_path / "labels.json"
    path.write_text(json.dumps({"a": [1, 0, 0], "b": labels}))
    with pytest.raises(PrerollError, match=message):
        read_labels(path, Skipping())
    skipping = Skipping(allowed=True)
    found = read_labels(path, skipping)
    assert (found["a"] is not None, found["b"]) == (True, None)
    assert len(skipping.found) == 1


def test_the_first_id_may_be_the_one_with_too_few_labels(tmp_path: Path) -> None:
    """Its number of labels was asked of all others, which were told to be bad."""
    path = tmp_path / "labels.json"
    path.write_text(json.dumps({"a": [1, 0], "b": [1, 0, 0], "c": [0, 1, 0]}))
    with pytest.raises(PrerollError, match="id 'a': must have 3 zeros and ones, not 2"):
        read_labels(path, Skipping())
    path.write_text(json.dumps({"a": 3}))
    with pytest.raises(PrerollError, match="must be a map from ids to zeros and ones"):
        read_labels(path, Skipping())


def test_padding_in_front_is_cut_off(tmp_path: Path) -> None:
    frames = np.random.default_rng(0).standard_normal((5, 4)).astype(np.float32)
    frames[2] = 0
    np.save(tmp_path / "a.npy", np.pad(frames, ((7, 0), (0, 0))))
    found = read_embeddings(tmp_path / "a.npy", 4, Skipping())
    assert found is not None
    np.testing.assert_array_equal(found, frames)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.ones((3, 5), np.float32), "has embeddings of width 5, must have 4"),
        (np.ones(4, np.float32), "must be numbers"),
        (np.ones((3, 4), np.int64), "must be numbers"),
        (np.zeros((3, 4), np.float32), "nothing but padding"),
        (np.array([[1, 2, 3, 4], [1, np.nan, 3, 4]], np.float32), "row 2, column 2: is not a finite number"),
        (np.array([[1, 2, 3, 4], [1, 2, -1e200, 4]]), "row 2, column 3: is not a finite number below 1e\\+18"),
        (np.zeros((0, 4), np.float32), "nothing but padding"),
    ],
)
def test_bad_embeddings_are_told(tmp_path: Path, array: np.ndarray[Any, Any], message: str) -> None:
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(PrerollError, match=message):
        read_embeddings(tmp_path / "a.npy", 4, Skipping())
    assert read_embeddings(tmp_path / "a.npy", 4, Skipping(allowed=True)) is None


def test_pickled_embeddings_are_never_loaded(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([Evil()], object), allow_pickle=True)
    with pytest.raises(PrerollError, match="cannot be read as an array"):
        read_embeddings(tmp_path / "a.npy", 4, Skipping())

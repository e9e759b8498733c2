"""Pickles are followed without making anything: what stands for too much is refused, what is usual is read."""

import pickle
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preroll.bounded import limits
from preroll.errors import PrerollError
from preroll.perception.prediction.formats.plain_pickle import read_plain_pickle

DOUBLED = b"2\x86"  # the tuple of a value with itself
BOMBS = {
    "lists-that-share": b"\x80\x04K\x01" + b"2\x86" * 60 + b".",
    "a-key-whose-hash-never-ends": b"\x80\x04}K\x01\x85" + DOUBLED * 60 + b"K\x01s.",
    "a-memo-of-gigabytes": b"\x80\x04K\x01r\xff\xff\xff\x7f.",
    "zeros": b"\x80\x02c__builtin__\nbytearray\nJ\xff\xff\xff\x7f\x85R.",
    "lists-in-lists": b"\x80\x04" + b"]" * 10**5 + b"a" * (10**5 - 1) + b".",
    "tuples-in-tuples": b"\x80\x04K\x01" + b"\x85" * 10**5 + b".",
    "bytes-that-are-not-there": b"\x80\x04\x8e" + struct.pack("<Q", 1 << 40) + b"abc.",
    "a-list-in-itself": b"\x80\x04]q\x00h\x00a.",
    "a-list-that-grows-later": b"\x80\x04]q\x00]q\x01(" + b"h\x00" * 1000 + b"e0h\x00(" + b"K\x01" * 1000 + b"e0h\x01.",
    "a-long-text-often": b"\x80\x04]X"
    + struct.pack("<I", 1 << 20)
    + b"a" * (1 << 20)
    + b"q\x000("
    + b"h\x00" * 200
    + b"e.",
    "operations": b"\x80\x04" + b"N0" * (limits.PICKLE_OPERATIONS // 2 + 1) + b"N.",
    "objects": b"\x80\x04]N\x81.",
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_pickle_that_stands_for_too_much_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "a.pkl").write_bytes(BOMBS[name])
    with pytest.raises(PrerollError, match=r"a\.pkl: is no plain pickle: ") as caught:
        read_plain_pickle(tmp_path / "a.pkl")
    assert "\n" not in str(caught.value)


def test_a_pickle_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "a.pkl").open("wb") as file:
        file.truncate(limits.PICKLE_BYTES + 1)
    with pytest.raises(PrerollError, match="is larger than 64 MiB"):
        read_plain_pickle(tmp_path / "a.pkl")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inside: st.lists(inside) | st.dictionaries(st.text() | st.integers(), inside) | st.tuples(inside, inside),
)


@given(VALUES, st.integers(3, pickle.HIGHEST_PROTOCOL))
def test_plain_values_are_read_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, value: Any, protocol: int
) -> None:
    path = tmp_path_factory.mktemp("pickle") / "a.pkl"
    path.write_bytes(pickle.dumps([value, value], protocol))
    assert read_plain_pickle(path) == [value, value]


def test_a_list_of_many_that_all_are_one_is_read(tmp_path: Path) -> None:
    labels = [0, 1] * 10
    (tmp_path / "a.pkl").write_bytes(pickle.dumps({f"id {i}": labels for i in range(5000)}))
    assert len(read_plain_pickle(tmp_path / "a.pkl")) == 5000

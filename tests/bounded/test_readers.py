"""What a stranger's file may unfold to: refused by size and depth, and no larger than it has to be."""

import gzip
import io
import json
import struct
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from preroll.bounded import limits
from preroll.bounded.readers import (
    check_archive,
    check_tensors,
    lines,
    load_array,
    load_json,
    parse_json,
    read_bytes,
    unfolded,
)

MOST = 64 << 20


def peak(action: Callable[[], object]) -> int:
    """Returns the most memory that an action that is refused takes [bytes]."""
    tracemalloc.start()
    try:
        with pytest.raises(ValueError):
            action()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_file_is_read_to_its_limit_and_a_device_no_further(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert read_bytes(tmp_path / "a", 3) == b"abc"
    with pytest.raises(ValueError, match="is larger than 2 bytes, the most that is read"):
        read_bytes(tmp_path / "a", 2)
    if Path("/dev/zero").exists():
        with pytest.raises(ValueError, match="is larger than 1 MiB"):
            read_bytes(Path("/dev/zero"), limits.MIB)


@given(st.recursive(st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(), st.lists))
def test_json_is_read_as_by_python(value: object) -> None:
    assert parse_json(json.dumps(value)) == value
    assert parse_json(json.dumps(value).encode()) == value


@pytest.mark.parametrize("text", ["[" * 10**5, '{"a":' * 10**5, "[" * 10**5 + "]" * 10**5, "", "[", "nul", "9" * 10**5])
def test_json_that_nests_without_end_or_is_none_is_a_value_error(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(ValueError):
        load_json(tmp_path / "a.json")
    with pytest.raises(ValueError, match="is larger than"):
        parse_json("[]" + " " * 10, 11)


def npy(head: str, content: bytes = b"") -> bytes:
    text = head.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + content


@pytest.mark.parametrize(
    "content",
    [
        npy("{'descr': '<f4', 'fortran_order': False, 'shape': (10000000000, 2048), }"),
        npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000,), }", b"1234"),
        npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", b"cos\nsystem\n(S'false'\ntR."),
        npy("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", b"1234"),
        npy("-" * 9000 + "1"),
        npy("(" * 9000),
        npy("[" * 90 + "]" * 90),
        npy("{'descr': 'nonsense', 'fortran_order': False, 'shape': (1,), }", b"1"),
        b"",
        b"\x93NUMPY",
        b"PK\x03\x04",
        b"cos\nsystem\n.",
    ],
)
def test_an_array_that_is_none_is_a_value_error_without_memory_for_what_it_claims(
    content: bytes, tmp_path: Path
) -> None:
    (tmp_path / "a.npy").write_bytes(content)
    assert peak(lambda: load_array(tmp_path / "a.npy")) < MOST


def test_an_archive_of_arrays_is_no_array_and_an_empty_one_is_one(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", a=np.zeros(10**7))
    with pytest.raises(ValueError, match="not a single array"):
        load_array(tmp_path / "a.npz")
    np.save(tmp_path / "empty.npy", np.zeros((0, 3), np.float32))
    assert load_array(tmp_path / "empty.npy").shape == (0, 3)
    np.save(tmp_path / "a.npy", np.arange(3))
    assert load_array(tmp_path / "a.npy").tolist() == [0, 1, 2]


def test_a_packed_table_is_refused_at_a_long_line_and_where_it_unfolds_to_too_much(tmp_path: Path) -> None:
    content = {"line.csv.gz": b"0" * (100 << 20), "lines.csv.gz": (b"0," * 999 + b"0\n") * (50 << 10)}
    for name, text in content.items():
        (tmp_path / name).write_bytes(gzip.compress(text, 9))
        assert peak(lambda name=name: sum(1 for _ in lines(tmp_path / name))) < MOST  # type: ignore[misc]
    (tmp_path / "cut.csv.gz").write_bytes(gzip.compress(b"1\n" * 1000)[:-20])
    with pytest.raises((EOFError, zlib.error)):
        list(lines(tmp_path / "cut.csv.gz"))
    usual = b"0,1,0.25\n" * 1000
    (tmp_path / "usual.csv").write_bytes(usual)
    (tmp_path / "usual.csv.gz").write_bytes(gzip.compress(usual))
    assert list(lines(tmp_path / "usual.csv")) == list(lines(tmp_path / "usual.csv.gz")) == usual.splitlines(True)
    assert unfolded(tmp_path / "usual.csv.gz", len(usual)) == usual
    with pytest.raises(ValueError, match="unfolds to more than"):
        unfolded(tmp_path / "usual.csv.gz", len(usual) - 1)


def archive(entries: dict[str, bytes]) -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in entries.items():
            file.writestr(name, content)
    return memory.getvalue()


ZEROS = archive({"data/0": bytes(100 << 20)})


@pytest.mark.parametrize(
    ("entries", "told"),
    [
        ({"data": bytes(100 << 20)}, "'data' unfolds to more than 100 times its size"),
        ({"policy.pth": ZEROS}, "'data/0' unfolds to more than 100 times its size"),
        ({"a.zip": archive({"b.zip": ZEROS})}, "'b.zip' is an archive in an archive in an archive"),
        ({str(i): b"" for i in range(limits.ARCHIVE_ENTRIES + 1)}, "unfolds to 1,001 entries"),
    ],
)
def test_an_archive_that_unfolds_to_too_much_is_refused_by_what_it_says(entries: dict[str, bytes], told: str) -> None:
    content = io.BytesIO(archive(entries))
    with zipfile.ZipFile(content) as file, pytest.raises(ValueError, match=told):
        check_archive(file)
    with zipfile.ZipFile(content) as file:
        assert peak(lambda: check_archive(file)) < MOST


def test_a_usual_archive_is_taken() -> None:
    with zipfile.ZipFile(io.BytesIO(archive({"data": b"{}", "policy.pth": archive({"data/0": bytes(1000)})}))) as file:
        check_archive(file)


def test_a_header_of_safetensors_is_looked_at_before_it_is_read() -> None:
    with pytest.raises(ValueError, match="its header is larger than 1 MiB"):
        check_tensors(struct.pack("<Q", limits.TENSORS_HEADER + 1))
    check_tensors(struct.pack("<Q", 100) + b"{}")

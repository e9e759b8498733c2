import json
from pathlib import Path

import pytest

from preroll.errors import PrerollError
from preroll.files import atomic, sealed
from preroll.files.hashing import sha256_of_text
from preroll.files.sealed import DamagedError

CONTENT = {"name": "café", "numbers": [1, 2.5, None, True], "nested": {"a": ""}}


@pytest.mark.parametrize("indent", [None, 2])
def test_what_was_sealed_is_read_back_and_is_plain_json(indent: int | None, tmp_path: Path) -> None:
    file = tmp_path / "new" / "plan.json"
    atomic.write_sealed(file, CONTENT, indent=indent)
    assert sealed.read(file) == CONTENT
    seal = json.loads(file.read_text("utf8")).pop("seal")
    assert len(seal) == 64


def test_every_flipped_bit_is_noticed(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    atomic.write_sealed(file, CONTENT)
    good = file.read_bytes()
    for bit in range(8 * len(good)):
        bad = bytearray(good)
        bad[bit // 8] ^= 1 << bit % 8
        file.write_bytes(bad)
        with pytest.raises(DamagedError, match=r"plan\.json: "):
            sealed.read(file)


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", "[" * 100_000, '{\n  "seal": "', '{"name": 1}', "\0"])
def test_what_carries_no_seal_is_refused_in_a_line(text: str, tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text(text)
    with pytest.raises(DamagedError, match=r"plan\.json: ") as told:
        sealed.read(tmp_path / "plan.json")
    assert "\n" not in str(told.value)


def test_a_cut_file_is_damaged_and_a_missing_one_is_missing(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    with pytest.raises(FileNotFoundError):
        sealed.read(file)
    atomic.write_sealed(file, CONTENT)
    good = file.read_bytes()
    for length in range(len(good)):
        file.write_bytes(good[:length])
        with pytest.raises(DamagedError):
            sealed.read(file)


def test_a_seal_over_nonsense_is_no_content(tmp_path: Path) -> None:
    rest = "[" * 100_000
    (tmp_path / "plan.json").write_text(f'{{\n  "seal": "{sha256_of_text(rest)}",{rest}')
    with pytest.raises(DamagedError, match="is not JSON"):
        sealed.read(tmp_path / "plan.json")


def test_nan_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        atomic.write_sealed(tmp_path / "plan.json", {"x": float("nan")})
    assert not list(tmp_path.iterdir())


def test_a_folder_in_the_place_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(PrerollError, match="cannot be read"):
        sealed.read(tmp_path)

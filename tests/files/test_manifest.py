from pathlib import Path

import numpy as np
import pytest

from preroll.errors import PrerollError
from preroll.files import atomic, manifest, sealed
from preroll.files.hashing import sha256_of
from preroll.files.manifest import NAME
from preroll.files.sealed import DamagedError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of three files, complete with its manifest."""
    with atomic.folder(tmp_path / "mine", "run") as new:
        atomic.write_text(new / "a.txt", "text")
        atomic.write_json(new / "deep" / "b.json", [1])
        atomic.save_array(new / "c.npy", np.arange(3))
    return tmp_path / "mine"


def test_files_are_read_as_they_were_written(folder: Path) -> None:
    files = manifest.read(folder, "run")
    assert files.read_text("a.txt") == "text"
    assert files.read_json("deep/b.json") == [1]
    assert files.read_array("c.npy").tolist() == [0, 1, 2]
    assert files.verified("a.txt") == folder / "a.txt"
    assert (files.strangers(), files.altered()) == ([], [])


@pytest.mark.parametrize("name", ["a.txt", "deep/b.json", "c.npy"])
def test_a_flipped_bit_in_any_file_is_noticed(name: str, folder: Path) -> None:
    files, good = manifest.read(folder), (folder / name).read_bytes()
    files.verified(name)  # seen once, which must not hide what happens later
    for bit in range(8 * len(good)):
        bad = bytearray(good)
        bad[bit // 8] ^= 1 << bit % 8
        (folder / name).write_bytes(bad)
        with pytest.raises(DamagedError, match=f"{name}: is not the file that was written"):
            files.read_bytes(name)
    with pytest.raises(DamagedError, match=f"{name}: is not the file that was written"):
        files.verified(name)
    assert files.altered() == [f"{name}: its content does not match the manifest"]


def test_a_missing_file_a_folder_in_its_place_and_an_unnamed_one_are_damage(folder: Path) -> None:
    files = manifest.read(folder)
    (folder / "a.txt").unlink()
    for read in (files.read_bytes, files.verified):
        with pytest.raises(DamagedError, match=r"a\.txt: cannot be read"):
            read("a.txt")
        with pytest.raises(DamagedError, match=r"does not name z\.txt, so this is no run"):
            read("z.txt")
    assert files.altered() == ["a.txt: missing"]
    (folder / "a.txt").mkdir()
    with pytest.raises(DamagedError, match=r"a\.txt: cannot be read"):
        files.read_bytes("a.txt")


def test_notes_are_strangers_but_no_damage(folder: Path) -> None:
    for name in ("notes.txt", ".DS_Store", "deep/Thumbs.db"):
        (folder / name).touch()
    (folder / "mine").mkdir()
    assert manifest.read(folder, "run").strangers() == ["mine", "notes.txt"]


def test_a_file_is_hashed_once_in_every_state(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[Path] = []

    def hash_of(path: Path) -> str:
        hashed.append(path)
        return sha256_of(path)

    monkeypatch.setattr(manifest, "sha256_of", hash_of)
    for _ in range(3):
        manifest.read(folder).verified("c.npy")
    assert hashed == [folder / "c.npy"]


def test_another_kind_or_version_is_told(folder: Path) -> None:
    with pytest.raises(PrerollError, match=r"format is 'preroll-run', so .* is no catalog"):
        manifest.read(folder, "catalog")
    content = sealed.read(folder / NAME)
    atomic.write_sealed(folder / NAME, {**content, "version": 2})
    with pytest.raises(PrerollError, match="version 2 is not known"):
        manifest.read(folder)
    assert manifest.kind_of(folder) is None
    with pytest.raises(FileNotFoundError):
        manifest.read(folder / "deep")


@pytest.mark.parametrize("name", ["../a", "/etc/passwd", "deep/../../x", ".", "C:\\x"])
def test_a_manifest_that_names_a_file_outside_is_refused(name: str, folder: Path) -> None:
    content = sealed.read(folder / NAME)
    atomic.write_sealed(folder / NAME, {**content, "files": {name: {"sha256": "0" * 64}}})
    with pytest.raises(PrerollError, match="is not the plain name of something inside the folder"):
        manifest.read(folder)


@pytest.mark.parametrize("files", [None, [], "a", {"a": None}, {"a": {}}, {"a": {"sha256": 3}}])
def test_a_manifest_without_hashes_is_damaged(files: object, folder: Path) -> None:
    content = sealed.read(folder / NAME)
    atomic.write_sealed(folder / NAME, {**content, "files": files})
    with pytest.raises(DamagedError, match="key 'files'"):
        manifest.read(folder)

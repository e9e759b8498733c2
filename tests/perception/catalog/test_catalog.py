import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from preroll.errors import PrerollError
from preroll.files import atomic, manifest
from preroll.files.hashing import sha256_of
from preroll.perception.catalog.catalog import Catalog
from preroll.perception.catalog.manifest import about_array
from tests.resealed import reseal


def small_catalog(**changes: Any) -> Catalog:
    neighbors = np.full((3, 10), -1)
    neighbors[0, 0], neighbors[1, 0] = 1, 0
    arguments: dict[str, Any] = {
        "categories": ["cars", "cats"],
        "category": [0, 1, 1],
        "neighbors": neighbors,
        "importance": [[0.5, 0], [0, 1], [0, 0]],
        "classes": ["wheel", "whisker"],
    }
    return Catalog.from_arrays(**(arguments | changes))


def write(catalog: Catalog, folder: Path) -> Path:
    """The smallest honest catalog folder: what the reader needs and nothing more."""
    atomic.write_json(folder / "classes.json", list(catalog.classes))
    catalog.videos().to_csv(folder / "videos.csv", index=False)
    arrays = {name: getattr(catalog, name) for name in ("category", "importance", "neighbors", "neighbor_scores")}
    for name, array in arrays.items():
        atomic.save_array(folder / f"{name}.npy", array)
    facts = {name: catalog.manifest[name] for name in ("command", "categories", "videos")}
    manifest.write(folder, "catalog", facts, about=lambda name: about_array(arrays.get(name.removesuffix(".npy"))))
    return folder


def test_what_was_written_is_what_is_opened(tmp_path: Path) -> None:
    catalog = small_catalog()
    opened = Catalog.load(write(catalog, tmp_path))
    assert opened.n_videos == 3
    assert opened.categories == ("cars", "cats")
    assert opened.classes == ("wheel", "whisker")
    for name in ("category", "importance", "neighbors", "neighbor_scores"):
        np.testing.assert_array_equal(getattr(opened, name), getattr(catalog, name))
    assert opened.category_probabilities is None
    assert list(opened.videos()["category"]) == ["cars", "cats", "cats"]


def test_arrays_are_mapped_and_cannot_be_written(tmp_path: Path) -> None:
    opened = Catalog.load(write(small_catalog(), tmp_path))
    assert isinstance(opened.importance, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        opened.importance[0, 0] = 1


def test_a_missing_folder_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(PrerollError, match="no such folder; make one with `preroll catalog build"):
        Catalog.load(tmp_path / "nowhere")


def test_a_folder_without_a_manifest_is_no_catalog(tmp_path: Path) -> None:
    with pytest.raises(PrerollError, match=r"no manifest\.json"):
        Catalog.load(tmp_path)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("version", 2, "version 2 is not known; this preroll reads 1"),
        ("format", "other", "format is 'other', so .* is no catalog"),
        ("categories", ["cats", "cars"], "sorted"),
        ("categories", [], "at least one"),
        ("videos", 0, "at least 1"),
        ("videos", True, "must be a int"),
        ("videos", 4, r"category is int16 \[3\], must be int16 \[4\]"),
        ("files", {}, "lacks classes.json"),
    ],
)
def test_a_wrong_manifest_is_named_with_its_key(tmp_path: Path, key: str, value: Any, message: str) -> None:
    path = write(small_catalog(), tmp_path) / "manifest.json"
    atomic.write_json(path, {**manifest.read(tmp_path).content, key: value})  # without a seal, as of older builds
    with pytest.raises(PrerollError, match=message):
        Catalog.load(tmp_path)


def test_an_array_of_another_shape_is_refused(tmp_path: Path) -> None:
    write(small_catalog(), tmp_path)
    np.save(tmp_path / "importance.npy", np.zeros((2, 2), np.float32))
    with pytest.raises(PrerollError, match=r"has shape \[2, 2\], but the manifest says \[3, 2\]"):
        Catalog.load(tmp_path)


def test_a_pickled_array_is_never_loaded(tmp_path: Path) -> None:
    write(small_catalog(), tmp_path)
    np.save(tmp_path / "category.npy", np.array([{}, {}, {}], object), allow_pickle=True)
    with pytest.raises(PrerollError, match="cannot be read as an array"):
        Catalog.load(tmp_path)


def test_an_altered_byte_is_found_by_its_hash(tmp_path: Path) -> None:
    opened = Catalog.load(write(small_catalog(), tmp_path))
    assert opened.altered() == []
    (tmp_path / "videos.csv").write_text("changed")
    (tmp_path / "stray").write_text("")
    (tmp_path / "classes.json").unlink()
    assert opened.altered() == [
        "classes.json: missing",
        "videos.csv: its content does not match the manifest",
        "stray: not in the manifest",
    ]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"category": [0, 1, 2]}, r"category, row 2: must lie in 0 … 1"),
        ({"importance": [[0.5, 0], [0, 1.5], [0, 0]]}, r"importance, row 1: must lie in \[0, 1\]"),
        ({"importance": [[0.5, 0], [0, np.nan], [0, 0]]}, "importance, row 1"),
        ({"neighbors": np.full((3, 10), 3)}, "neighbors, row 0"),
        ({"neighbors": np.zeros((3, 10))}, "must not hold the video itself"),
        ({"neighbors": np.zeros((3, 4))}, r"must be int32 \[3, 10\]"),
        ({"classes": ["wheel"]}, "1 classes"),
    ],
)
def test_values_out_of_range_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(PrerollError, match=message):
        small_catalog(**changes)


def test_catalogs_of_the_same_content_have_the_same_hash() -> None:
    assert small_catalog().sha256 == small_catalog(name="other").sha256
    assert small_catalog().sha256 != small_catalog(category=[0, 0, 1]).sha256


def test_a_catalog_of_a_million_videos_is_opened_without_reading_it(tmp_path: Path) -> None:
    n, k, c = 1_000_000, 3, 80
    shapes = {
        "category": ("<i2", (n,)),
        "importance": ("<f4", (n, c)),
        "category_probabilities": ("<f4", (n, k)),
        "neighbors": ("<i4", (n, 10)),
        "neighbor_scores": ("<f4", (n, 10)),
    }
    atomic.write_json(tmp_path / "classes.json", [f"class {i}" for i in range(c)])
    (tmp_path / "videos.csv").write_text("")
    files: dict[str, Any] = {name: {"sha256": "0" * 64} for name in ("classes.json", "videos.csv")}
    for name, (kind, shape) in shapes.items():
        # Files with holes: 408 MB that take no place on the disk.
        np.lib.format.open_memmap(tmp_path / f"{name}.npy", "w+", kind, shape)
        files[f"{name}.npy"] = {"sha256": "0" * 64, "shape": list(shape)}
    content = small_catalog().manifest | {"videos": n, "categories": ["a", "b", "c"], "files": files}
    atomic.write_sealed(tmp_path / "manifest.json", content)
    code = f"""if True:
        import resource
        from preroll.perception import Catalog
        before = resource.getrusage(resource.RUSAGE_SELF)
        catalog = Catalog.load({str(tmp_path)!r})
        catalog.sha256, catalog.n_videos
        after = resource.getrusage(resource.RUSAGE_SELF)
        width = catalog.manifest["files"]["importance.npy"]["shape"][1]
        print(catalog.n_videos, width, after.ru_maxrss - before.ru_maxrss)
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    videos, classes, grown = map(int, done.stdout.split())
    assert (videos, classes) == (n, c)
    # KiB on Linux; less than a hundredth of what lies on the disk.
    assert grown < 4096


def test_neighbours_of_the_same_group_do_not_count(tmp_path: Path) -> None:
    near = np.full((4, 10), -1)
    near[:, :3] = [[1, 2, 3], [0, 2, 3], [3, 0, 1], [2, 0, 1]]
    everything: dict[str, Any] = {"category": [0, 0, 0, 1], "neighbors": near, "importance": np.ones((4, 2))}
    catalog = small_catalog(**everything)
    assert catalog.groups is None
    assert catalog.neighbors_in_category() == (0.5, 0.5)
    folder = write(catalog, tmp_path)
    table = catalog.videos()
    table["group"] = ["a", "a", "NA", "b"]
    table.to_csv(folder / "videos.csv", index=False)
    reseal(folder, group_by="name")
    grouped = Catalog.load(folder)
    assert grouped.groups is not None
    assert grouped.groups.tolist() == [1, 1, 0, 2]
    # Of other groups, videos 0 and 1 have one neighbour in two of their category, video 2 two in three, video 3 none.
    assert grouped.neighbors_in_category() == (4 / 10, (1 + 1 + 2 + 0) / (2 + 2 + 3 + 3))


def test_a_hash_is_computed_once_for_all_that_open_the_catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write(small_catalog(), tmp_path)
    asked: list[str] = []

    def counted(path: Path) -> str:
        asked.append(path.name)
        return sha256_of(path)

    monkeypatch.setattr(manifest, "sha256_of", counted)
    for _ in range(64):
        assert Catalog.load(folder).neighbors[0, 0] == 1
    assert asked == ["neighbors.npy"], "what is not read is not hashed"


def test_hashes_of_arrays_can_be_left_out_but_no_other_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write(small_catalog(), tmp_path)
    array = np.load(folder / "neighbors.npy")
    array[0, 0] = 2
    np.save(folder / "neighbors.npy", array)
    with pytest.raises(PrerollError, match=r"neighbors\.npy: is not the file that was written"):
        _ = Catalog.load(folder).neighbors
    monkeypatch.setenv("PREROLL_VERIFY", "0")
    assert Catalog.load(folder).neighbors[0, 0] == 2
    array[0, 0] = 3
    np.save(folder / "neighbors.npy", array)
    with pytest.raises(PrerollError, match="neighbors, row 0: must lie in 0 … 2"):
        _ = Catalog.load(folder).neighbors


def test_the_hash_of_a_catalog_is_of_its_files_and_not_of_how_it_was_made(tmp_path: Path) -> None:
    folder = write(small_catalog(), tmp_path)
    before = Catalog.load(folder).sha256
    reseal(folder, command="another command")
    assert Catalog.load(folder).sha256 == before
    np.save(folder / "importance.npy", np.zeros((3, 2), np.float32))
    reseal(folder)
    assert Catalog.load(folder).sha256 != before


@pytest.mark.parametrize(
    "changes",
    [
        {"neighbors": np.full((3, 10), 2**32 + 1)},
        {"neighbors": np.full((3, 10), 0.5)},
        {"neighbors": np.full((3, 10), np.nan)},
        {"category": [0, 1, 65536]},
        {"category": ["a", "b", "c"]},
    ],
)
def test_numbers_that_do_not_fit_are_no_indices(changes: dict[str, Any]) -> None:
    with pytest.raises(PrerollError, match=r"^catalog memory: [^\n]*$"):
        small_catalog(**changes)


def test_what_was_given_to_a_catalog_in_memory_may_change_afterwards() -> None:
    near = np.full((3, 10), -1, np.int32)
    catalog = small_catalog(neighbors=near)
    near[:] = 99
    assert (catalog.neighbors == -1).all()

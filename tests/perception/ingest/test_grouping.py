from pathlib import Path

import pytest

from preroll.errors import PrerollError
from preroll.perception.ingest.grouping import list_sources

DOWNLOADS = Path("downloads")


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def groups(source: Path, group_by: str | None) -> dict[str, str]:
    return {one.path: one.group for one in list_sources(source, DOWNLOADS, group_by).videos}


def test_a_column_of_the_table_names_groups_and_an_empty_cell_stands_alone(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("path,category,match\na.mp4,cats,final\nb.mp4,cats, final \nc.mp4,dogs,\nd.mp4,dogs,\n")
    expected = {"a.mp4": "final", "b.mp4": "final", "c.mp4": "c.mp4", "d.mp4": "d.mp4"}
    assert groups(table, "match") == expected
    with pytest.raises(PrerollError, match="line 1: column 'match'; known, once each: path, url, category, split"):
        groups(table, None)
    table.write_text(table.read_text().replace("match", "folder"))
    assert groups(table, "folder") == expected, "a column is meant before the folder above"


def test_names_and_folders_group_too(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("path,category\nx/a_1.mp4,cats\nx/b.mp4,cats\ny/a_2.mp4,dogs\n")
    assert list(groups(table, "name").values()) == ["a", "b", "a"]
    assert list(groups(table, "folder").values()) == ["x", "x", "y"]
    assert set(groups(table, None).values()) == {""}


def test_a_category_may_have_a_folder_per_clip(tmp_path: Path) -> None:
    touch(tmp_path, "cats/one/1.mp4", "cats/one/2.mp4", "cats/two/notes.txt", "cats/frames/1.jpg", "cats/3.mp4")
    touch(tmp_path, "cats/two/frames/1.jpg")
    (tmp_path / "cats" / "empty").mkdir()
    listing = list_sources(tmp_path, DOWNLOADS, "folder")
    found = {one.path: one.group for one in listing.videos if not one.problem}
    assert found == {
        "cats/3.mp4": "cats",
        "cats/frames": "cats",
        "cats/one/1.mp4": "one",
        "cats/one/2.mp4": "one",
        "cats/two/frames": "two",
    }
    assert [one.path for one in listing.videos if one.problem] == ["cats/empty"]
    assert listing.others == 1
    assert len({one.name for one in listing.videos}) == len(listing.videos), "saved frames have a folder each"


def test_an_unknown_grouping_is_told_with_what_there_is(tmp_path: Path) -> None:
    touch(tmp_path, "cats/1.mp4")
    with pytest.raises(PrerollError, match=r"^group_by=clip: of a folder of videos it must be folder or name$"):
        groups(tmp_path, "clip")
    (tmp_path / "t.csv").write_text("path,category\na.mp4,cats\n")
    message = r"^group_by=clip: it must be folder, name or a column of .*t\.csv: path, category$"
    with pytest.raises(PrerollError, match=message):
        groups(tmp_path / "t.csv", "clip")

"""A person with videos makes a catalog of them, looks into it, and gets a scenario for it and what it is worth."""

from pathlib import Path

from tests.walks.terminal import of_readme, scripted, typed


def test_a_person_with_videos_gets_a_catalog_and_a_scenario_of_their_own(tmp_path: Path) -> None:
    assert scripted("preroll catalog demo-videos VIDEOS --per-category 3", tmp_path).returncode == 0

    nowhere = typed(of_readme("preroll catalog build", VIDEOS="VIDEO"), tmp_path)
    assert nowhere.status == 2
    assert nowhere.text.startswith("error: videos VIDEO: no such folder")
    assert not (tmp_path / "catalog").exists()

    built = typed(of_readme("preroll catalog build"), tmp_path)
    assert built.status == 0
    assert "Catalog catalog: 9 videos, 12 object classes." in built.lines
    assert {"cars", "cats", "concerts"} < {line.split()[0] for line in built.table}

    alike = typed(of_readme("preroll catalog similar", VIDEO="cats-001.mp4"), tmp_path)
    assert "Most similar to cats/cats-001.mp4:" in alike.lines

    assert scripted("preroll scenario new --catalog catalogue --out mine.yaml", tmp_path).returncode == 2
    assert not (tmp_path / "mine.yaml").exists()
    made = typed(of_readme("preroll scenario new"), tmp_path)
    assert made.text == "Scenario: mine.yaml\nCheck it: preroll scenario check mine.yaml --catalog catalog\n"
    checked = typed(of_readme("preroll scenario check"), tmp_path)
    assert checked.status == 0
    assert checked.text.startswith("mine.yaml is valid: 6 ads, 6 actions, ")
    assert " a session; greedy earns " in checked.text

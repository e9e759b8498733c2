import pytest

from preroll.perception.video.clip_groups import clip_name, folder_above

MARKS = """
_001 -12 .3 -part2 _Part_2 .s03 _s03 -pt1 _seg4 _scene-7 _shot2 _part1of3 _1_of_3 (2) [4] _000010_000020 _10s-20s
_00:10-00:20 _part-a -part-iv _s01_part2 _frame0012 part2 __1 _take3 _c01
_00h01m02s _1m30s-2m00s
"""


@pytest.mark.parametrize("mark", ["", *MARKS.split()])
def test_the_mark_of_a_piece_is_no_part_of_the_clip(mark: str) -> None:
    name = f"clip{mark}"
    for path in (f"cars/{name}.mp4", f"{name}.MKV", f"a/b/{name}", f"https://host.example/v/{name}.mp4?x=1"):
        assert clip_name(path) == "clip"
    assert clip_name(f"cars/{name} (2).mp4") == "clip"


@pytest.mark.parametrize(
    "name",
    [
        "a",
        "b2",
        "cam12",
        "intro",
        "counterparts",
        "clip_1080p",
        "007b",
        "e\N{LATIN SMALL LETTER E WITH ACUTE}1",
        "v2beta",
    ],
)
def test_a_name_without_a_mark_is_a_clip(name: str) -> None:
    assert clip_name(f"cars/{name}.mp4") == name


def test_only_the_piece_is_cut_off_and_the_folder_does_not_matter() -> None:
    assert clip_name("goal/cam_3_part_2.mp4") == clip_name("no goal/cam_3_part_1.mp4") == "cam_3"
    assert clip_name("cam_3.part") == "cam_3.part"
    assert clip_name("v_Archery_g08_c01.avi") == clip_name("v_Archery_g08_c02.avi") == "v_Archery_g08"
    assert {clip_name(f"output{number:03}.mp4") for number in (0, 99, 1000)} == {"output"}  # ffmpeg's output%03d.mp4
    assert clip_name("match2024_01.mp4") == "match2024"


def test_a_number_alone_and_a_query_name_no_clip() -> None:
    for path in ("cars/001.mp4", "cars/2024-01-05.mp4", "https://host.example/watch?v=abc_1"):
        assert clip_name(path) == path
    assert clip_name("https://host.example/watch?v=abc#t=10") == "https://host.example/watch?v=abc"


def test_the_folder_above_is_that_of_the_video() -> None:
    assert folder_above("cars/match1/1.mp4") == folder_above("cats/match1/2.mp4") == "match1"
    assert folder_above("https://host.example/some%20match/2.mp4?a=/b") == "some match"
    assert folder_above("1.mp4") == "."

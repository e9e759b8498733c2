import pytest

from preroll.errors import PrerollError
from preroll.terminal.units import parse_size, parse_time_limit


@pytest.mark.parametrize(
    ("text", "size"), [("2GiB", 2 << 30), ("512 MB", 512 << 20), ("1.5g", 3 << 29), ("4096", 4096), ("8KiB", 8192)]
)
def test_sizes_are_read_as_people_write_them(text: str, size: int) -> None:
    assert parse_size(text, "--worker-memory") == size


@pytest.mark.parametrize("text", ["", "much", "0", "-1", "1e9", "2 Gi B", "nan", "9" * 30 + "T"])
def test_another_size_is_refused(text: str) -> None:
    with pytest.raises(PrerollError, match=r"--worker-memory .*: must be a size, such as 512MiB or 2GiB"):
        parse_size(text, "--worker-memory")


@pytest.mark.parametrize(
    ("text", "limit"), [("60+10x", (60, 10)), ("30", (30, 0)), ("0.5 + 2.5x", (0.5, 2.5)), (".1", (0.1, 0))]
)
def test_time_limits_are_read_as_people_write_them(text: str, limit: tuple[float, float]) -> None:
    assert parse_time_limit(text, "--video-timeout") == limit


@pytest.mark.parametrize("text", ["", "soon", "0", "-5", "10x", "60+10", "inf", "9" * 400])
def test_another_time_limit_is_refused(text: str) -> None:
    with pytest.raises(PrerollError, match=r"--video-timeout .*: must be seconds"):
        parse_time_limit(text, "--video-timeout")

"""Progress in a pipe: a first line, one every 30 s, a last one."""

import re
import sys
import time

import pytest

from preroll import progress
from tests.terminal.pseudo_terminal import shown


def test_a_pipe_gets_a_line_every_30_seconds_with_what_is_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = iter(range(200))
    monkeypatch.setattr(time, "monotonic", lambda: float(next(clock)))
    with progress.bar(1200, "Training ppo (sessions)") as advance:
        for _ in range(120):
            advance(10)
    assert capsys.readouterr().err.splitlines() == [
        "Training ppo (sessions) …",
        "Training ppo (sessions): 300 of 1,200, about 90 s left",
        "Training ppo (sessions): 600 of 1,200, about 60 s left",
        "Training ppo (sessions): 900 of 1,200, about 30 s left",
        "Training ppo (sessions): 1,200 of 1,200",
    ]


@pytest.mark.parametrize("columns", [60, 80])
def test_a_narrow_terminal_shows_all_numbers(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def work() -> None:
        monkeypatch.setattr(sys, "stderr", sys.stdout)
        monkeypatch.setenv("COLUMNS", str(columns))
        with progress.bar(1_200_000, "Training recurrent-ppo (sessions)") as advance:
            advance(600_000)

    told = re.split(r"[\r\n]+", shown(monkeypatch, columns, work))
    assert all(len(line) <= columns for line in told)
    assert any(re.search(r"Training.* 600000/1200000 0:00:0\d left -:--:--", line) for line in told)


def test_work_that_fails_has_no_last_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ZeroDivisionError), progress.bar(2, "Evaluating") as advance:
        advance(1 // 0)
    assert capsys.readouterr().err == "Evaluating …\n"

"""Progress in a pipe: a first line, one every 30 s, a last one."""

import time

import pytest

from preroll import progress


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


def test_work_that_fails_has_no_last_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ZeroDivisionError), progress.bar(2, "Evaluating") as advance:
        advance(1 // 0)
    assert capsys.readouterr().err == "Evaluating …\n"

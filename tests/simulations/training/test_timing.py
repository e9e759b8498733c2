import json
import signal
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from preroll.errors import PrerollError
from preroll.simulations.training import checkpoint
from preroll.simulations.training.timing import PHASES, TIME_TAGS, TimeShares
from preroll.simulations.training.training import prepare, resume


def test_every_moment_belongs_to_one_phase(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([10.0, 11.0, 14.0, 15.0])
    monkeypatch.setattr("time.process_time", lambda: next(clock))
    times = TimeShares()
    for phase in ("forward", "environment", "forward"):
        times.spent_on(phase)
    assert times.seconds == {"environment": 3.0, "forward": 2.0, "update": 0.0, "other": 0.0}
    assert times.percent() == {"environment": 60.0, "forward": 40.0, "update": 0.0, "other": 0.0}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_run_tells_where_its_time_went_and_counts_on_after_a_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a clock that goes on by a second whenever it is read."""
    clock = count()
    monkeypatch.setattr("time.process_time", lambda: float(next(clock)))
    run = tmp_path / "run"
    left = 100

    def stop() -> int:
        nonlocal left
        left -= 1
        return 0 if left else signal.SIGINT

    with pytest.raises(PrerollError, match="go on with"):
        prepare("lints", scenario="fatigue", sessions=600, run=run).run(stop=stop)
    before = json.loads((checkpoint.place(run) / "loop.json").read_text())["times"]
    result = resume(run)
    assert all(result.times.seconds[phase] > before[phase] > 0 for phase in PHASES)
    cost = json.loads((run / "result.json").read_text())["cost"]
    assert sum(cost["percent"].values()) == pytest.approx(100, abs=0.3)
    assert result.times.total <= cost["cpu_seconds"]
    events: Any = EventAccumulator(str(run)).Reload()
    assert set(TIME_TAGS) <= set(events.Tags()["scalars"])
    # Without a hole: every tag has the points from before the stop too, and time never runs backwards.
    assert all([event.step for event in events.Scalars(tag)] == result.curve.sessions for tag in TIME_TAGS)
    seconds = [event.value for event in events.Scalars("time/cpu_seconds")]
    assert seconds == sorted(seconds)
    assert 0 < seconds[0] < sum(before.values()) < seconds[-1]

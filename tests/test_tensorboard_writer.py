import subprocess
import sys
from pathlib import Path

import pytest

from preroll.tensorboard_writer import NAME, EventFile


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_tensorboard_reads_what_was_written(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    with EventFile(tmp_path) as events:
        events.write(50, {"session/revenue": 1.5, "agent/loss": 0.25})
        events.write(100, {"session/revenue": 2.5})
    read = EventAccumulator(str(tmp_path)).Reload()
    assert read.Tags()["scalars"] == ["session/revenue", "agent/loss"]
    assert [(event.step, event.value) for event in read.Scalars("session/revenue")] == [(50, 1.5), (100, 2.5)]


def test_a_point_is_on_disk_as_soon_as_it_is_written(tmp_path: Path) -> None:
    with EventFile(tmp_path) as events:
        before = (tmp_path / NAME).stat().st_size
        events.write(50, {"session/revenue": 1.5})
        assert (tmp_path / NAME).stat().st_size > before > 0


def test_no_torch_and_no_tensorflow_is_needed(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from preroll.tensorboard_writer import EventFile\n"
        "with EventFile(Path(sys.argv[1])) as e: e.write(1, {'a': 1.0})\n"
        "print([m for m in ('torch', 'tensorflow') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

"""TensorBoard ends with the command that started it, however that ends."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from preroll.tensorboard_writer import NAME
from tests.conftest import Run

SERVER = "import os, sys, time; print(os.getpid(), *sys.argv[1:], flush=True); time.sleep(1e6)\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
def test_the_server_ends_with_its_command(number: signal.Signals, tmp_path: Path) -> None:
    (tmp_path / "tensorboard").mkdir()
    (tmp_path / "tensorboard" / "__init__.py").touch()
    (tmp_path / "tensorboard" / "main.py").write_text(SERVER)
    (tmp_path / NAME).touch()
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    started = subprocess.Popen(
        [sys.executable, "-m", "preroll", "tensorboard", str(tmp_path), "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert started.stdout is not None
    assert started.stdout.readline().split()[1:] == f"--logdir {tmp_path} --host 127.0.0.1 --port 0".split()
    started.send_signal(number)
    started.communicate(timeout=600)  # until both have closed their output
    assert started.returncode == (-number if number == signal.SIGKILL else 128 + number)


def test_tensorboard_tells_the_address_that_begins_with_what_is_earned_and_its_end(tmp_path: Path) -> None:
    (tmp_path / NAME).touch()
    with subprocess.Popen(
        [sys.executable, "-m", "preroll", "tensorboard", str(tmp_path), "--port", "0"],
        stderr=subprocess.PIPE,
        text=True,
    ) as started:
        assert started.stderr is not None
        before = []
        for told in started.stderr:
            if "http://127.0.0.1" in told:
                break
            before.append(told)
        started.send_signal(signal.SIGINT)
        _, after = started.communicate(timeout=600)
    assert [line for line in before if not line.startswith("Serving TensorBoard on localhost")] == []
    assert after == "stopped by Ctrl-C\n"
    assert re.search(r"http://127\.0\.0\.1:\d+/\?pinnedCards=\S*session/percent_of_optimum\S*#timeseries ", told)


def test_a_folder_without_anything_to_show_is_refused_in_one_line(run: Run, tmp_path: Path) -> None:
    status, out, errors = run("tensorboard", tmp_path)
    told = f"error: {tmp_path}: holds nothing for TensorBoard; it must be a folder of runs or of an experiment\n"
    assert (status, out, errors) == (2, "", told)

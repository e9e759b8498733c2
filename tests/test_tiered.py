"""Compiled functions that are interpreted first."""

import os
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numba import config as numba_config

from preroll.envs import SessionEnv
from preroll.envs import session as session_module
from preroll.envs.kernel import step
from preroll.perception import Catalog
from preroll.tiered import Tiered, interpreted

config: Any = numba_config
pytestmark = pytest.mark.skipif(bool(config.DISABLE_JIT), reason="nothing is compiled")

DOUBLE = (
    "from preroll.jit import compiled, inlined\n\n\n"
    "@inlined\ndef half(x):\n    return x * 2\n\n\n"
    "@compiled\ndef double(x, out):\n    out[0] = half(x)\n"
)


@pytest.fixture
def double(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes the compiled function anew at every call, as a new process does; its machine code is kept."""
    monkeypatch.setenv("PREROLL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(config, "CACHE_DIR", "")
    file = tmp_path / "double.py"
    file.write_text(DOUBLE)
    return lambda: runpy.run_path(str(file))["double"]


def test_a_function_is_compiled_when_it_is_hot_and_not_before(double: Any) -> None:
    function, out = double(), np.zeros(1, np.int64)
    tiered = Tiered(function)
    for x in range(Tiered.HOT):
        tiered.call(x, out)
        assert out[0] == 2 * x
    assert not function.overloads
    tiered.call(7, out)
    assert len(function.overloads) == 1
    assert out[0] == 14
    tiered.call(8, out)
    assert out[0] == 16


def test_machine_code_that_was_kept_is_used_from_the_first_call(double: Any) -> None:
    out = np.zeros(1, np.int64)
    double()(1, out)
    later = double()
    Tiered(later).call(21, out)
    assert out[0] == 42
    assert len(later.overloads) == 1


def test_damaged_machine_code_is_no_reason_to_wait_or_to_fail(double: Any, tmp_path: Path) -> None:
    out = np.zeros(1, np.int64)
    double()(1, out)
    kept = [path for path in (tmp_path / "cache").rglob("*.nb?") if path.is_file()]
    assert {path.suffix for path in kept} == {".nbi", ".nbc"}
    for path in kept:
        whole = path.read_bytes()
        path.write_bytes(b"damaged")
        later = double()
        Tiered(later).call(21, out)
        assert out[0] == 42
        assert not later.overloads
        path.write_bytes(whole)
        double()(1, out)


def test_an_interpreted_function_calls_nothing_that_is_compiled(double: Any) -> None:
    function = double()
    plain = interpreted(function)
    assert plain.__code__ is function.py_func.__code__
    assert plain.__globals__["half"] is interpreted(function.py_func.__globals__["half"])
    assert function.py_func.__globals__["half"] is not plain.__globals__["half"]


def sessions(env: SessionEnv, steps: int) -> list[Any]:
    told: list[Any] = [env.reset(seed=3)]
    for number in range(steps):
        told.append(env.step(number % env.session_spec.n_actions))
        if told[-1][2] or told[-1][3]:
            told.append(env.reset())
    return told


def test_interpreted_and_compiled_steps_give_the_same_bits(
    monkeypatch: pytest.MonkeyPatch, small_catalog: Catalog
) -> None:
    env = SessionEnv("fatigue", small_catalog)
    monkeypatch.setattr(session_module, "PLAY", tiered := Tiered(step.step))
    tiered.call = tiered._interpret
    told = sessions(env, 300)
    monkeypatch.setattr(session_module, "PLAY", compiled := Tiered(step.step))
    compiled._calls, compiled.call = Tiered.HOT, compiled._interpret
    for one, other in zip(told, sessions(env, 300), strict=True):
        np.testing.assert_array_equal(one[0], other[0])
        assert one[1:-1] == other[1:-1]
        np.testing.assert_equal(one[-1], other[-1])


def test_the_first_steps_of_an_environment_compile_nothing(tmp_path: Path) -> None:
    script = (
        "from preroll.envs import SessionEnv\n"
        "from preroll.envs import session\n"
        "env = SessionEnv('classic')\n"
        "env.reset(seed=1)\n"
        "print([env.step(0)[1] for _ in range(3)])\n"
        "print(len(session.PLAY._function.overloads))\n"
    )
    environment = {**os.environ, "PREROLL_CACHE": str(tmp_path / "cache"), "NUMBA_CACHE_DIR": ""}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[1] == "0"
    assert not list(tmp_path.rglob("*.nb?"))

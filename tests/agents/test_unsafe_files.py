"""A file from somebody else runs no code: a folder of ours never, a zip of stable-baselines3 only if asked to."""

import base64
import json
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file, save
from stable_baselines3 import A2C, DQN, PPO
from stable_baselines3.common.vec_env import DummyVecEnv, VecFrameStack, VecNormalize
from typer.testing import CliRunner

from preroll.agents import Agent, load_agent, make_agent
from preroll.agents.interop.sb3_import import import_sb3
from preroll.commands.cli import app
from preroll.envs import SessionEnv, Tables
from preroll.errors import PrerollError
from preroll.files import atomic, manifest
from preroll.simulations.evaluation.evaluation import evaluate
from preroll.simulations.training.run import Run
from tests.conftest import ROOT
from tests.resealed import reseal

Practice = Callable[[Agent, Tables, int], None]


class Bomb:
    """Unpickling it makes a folder: a stand-in for whatever an attacker would run."""

    def __init__(self, crater: Path) -> None:
        self.crater = str(crater)

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (self.crater,)


@pytest.fixture(scope="module")
def models(fatigue: Tables, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """PPO and DQN trained with stable-baselines3 alone, and what A2C saves."""
    folder, env = tmp_path_factory.mktemp("sb3"), SessionEnv(tables=fatigue)
    PPO("MlpPolicy", env, n_steps=64, seed=0, device="cpu").learn(128).save(folder / "ppo.zip")
    layers = {"net_arch": [32, 16]}
    DQN("MlpPolicy", env, learning_starts=10, buffer_size=500, policy_kwargs=layers, seed=0, device="cpu").learn(
        100
    ).save(folder / "dqn.zip")
    A2C("MlpPolicy", env, device="cpu").save(folder / "a2c.zip")
    return {path.stem: path for path in folder.iterdir()}


@pytest.fixture
def bomb(models: dict[str, Path], tmp_path: Path) -> Path:
    """The file of PPO with one more entry, whose loading makes the folder ``crater`` beside it."""
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(models["ppo"]) as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "data":
                payload = base64.b64encode(pickle.dumps(Bomb(tmp_path / "crater"))).decode()
                content = json.dumps({**json.loads(content), "extra": {":serialized:": payload}}).encode()
            target.writestr(name, content)
    return path


def test_loading_a_zip_of_stable_baselines3_runs_the_code_in_it(bomb: Path, tmp_path: Path) -> None:
    PPO.load(bomb, device="cpu")
    assert (tmp_path / "crater").is_dir()


def test_without_trust_pickle_nothing_of_it_is_loaded(bomb: Path, fatigue: Tables, tmp_path: Path) -> None:
    with pytest.raises(PrerollError, match=r"bomb\.zip: loading .* runs the code .* add trust_pickle=True") as error:
        import_sb3(bomb, fatigue)
    assert "\n" not in str(error.value)
    result = CliRunner().invoke(app, ["agent", "import", str(bomb), "--run", str(tmp_path / "run")])
    assert isinstance(result.exception, PrerollError)
    assert [path.name for path in tmp_path.iterdir()] == ["bomb.zip"]


def test_the_flag_is_the_only_way_in_and_does_what_it_says(bomb: Path, fatigue: Tables, tmp_path: Path) -> None:
    import_sb3(bomb, fatigue, trust_pickle=True)
    assert (tmp_path / "crater").is_dir()


@pytest.mark.parametrize(("name", "kind"), [("ppo", PPO), ("dqn", DQN)])
def test_an_imported_agent_decides_as_the_model_did(
    name: str, kind: Any, models: dict[str, Path], fatigue: Tables, some_observations: NDArray[np.float32]
) -> None:
    agent = import_sb3(models[name], fatigue, trust_pickle=True)
    expected, _ = kind.load(models[name], device="cpu").predict(some_observations, deterministic=True)
    assert agent.name == name
    assert np.array_equal(agent.act(some_observations, explore=False), expected)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "ppo",
            {"num_envs": 1, "steps": 64, "batch": 64, "epochs": 10, "gamma": 0.99, "gae_lambda": 0.95, "clip": 0.2,
             "entropy": 0.0, "value_weight": 0.5, "max_gradient": 0.5, "learning_rate": 3e-4,
             "final_learning_rate": 3e-4, "hidden": (64, 64), "activation": "tanh"},
        ),
        (
            "dqn",
            {"num_envs": 1, "buffer": 500, "batch": 32, "learning_starts": 10, "n_step": 1, "gamma": 0.99,
             "epsilon": 1.0, "final_epsilon": 0.05, "exploration_share": 0.1, "max_gradient": 10.0,
             "learning_rate": 1e-4, "final_learning_rate": 1e-4, "updates_per_step": 8.0, "target_every": 2500,
             "hidden": (32, 16), "activation": "relu"},
        ),
    ],
)  # fmt: skip
def test_an_imported_agent_has_the_settings_of_the_model_and_of_no_preset(
    name: str, expected: dict[str, Any], models: dict[str, Path], fatigue: Tables
) -> None:
    settings = import_sb3(models[name], fatigue, trust_pickle=True).settings.model_dump()
    assert {key: settings[key] for key in expected} == expected
    assert settings.keys() - expected.keys() == {"sessions", "bootstrap_at_horizon"}


def test_a_value_that_no_setting_allows_is_no_reason_to_refuse_a_model(fatigue: Tables, tmp_path: Path) -> None:
    env = SessionEnv(tables=fatigue)
    PPO("MlpPolicy", env, learning_rate=lambda left: 1e-3 * left, ent_coef=-1.0, device="cpu").save(tmp_path / "m.zip")
    settings = import_sb3(tmp_path / "m.zip", fatigue, trust_pickle=True).settings.model_dump()
    assert settings["learning_rate"] == 1e-3
    assert 0 < settings["final_learning_rate"] < 1e-30
    assert settings["entropy"] >= 0


def test_an_imported_agent_is_a_run_without_a_pickle(models: dict[str, Path], tmp_path: Path) -> None:
    arguments = ["--scenario", "fatigue", "--run", str(tmp_path / "run"), "--trust-pickle"]
    env = SessionEnv("fatigue", "demo")
    PPO("MlpPolicy", env, n_steps=64, seed=0, device="cpu").save(tmp_path / "model.zip")
    result = CliRunner().invoke(app, ["agent", "import", str(tmp_path / "model.zip"), *arguments])
    assert result.exit_code == 0, result.output
    run = Run.load(tmp_path / "run")
    row = evaluate({"mine": run.load_agent()}, Tables.compile("fatigue", "demo"), sessions=100)["mine"]
    assert row.exact_revenue is not None
    for command, name in ((["impressions", "--sessions", "3"], "log.parquet"), (["export"], "policy.onnx")):
        file = tmp_path / name
        done = CliRunner().invoke(app, [command[0], str(tmp_path / "run"), str(file), *command[1:]])
        assert (done.exit_code, file.is_file()) == (0, True), done.output
    names = {path.name for path in (tmp_path / "run").rglob("*") if path.is_file()}
    assert names == {
        "agent.json",
        "arrays.safetensors",
        "manifest.json",
        "result.json",
        "scenario.yaml",
        "settings.yaml",
    }


def test_what_cannot_be_imported_is_said_in_one_line(
    models: dict[str, Path], fatigue: Tables, classic: Tables, tmp_path: Path
) -> None:
    (tmp_path / "text.zip").write_text("hello")
    for path, tables, line in (
        (tmp_path / "none.zip", fatigue, "cannot be read"),
        (tmp_path / "text.zip", fatigue, "is no file that stable-baselines3 wrote"),
        (models["a2c"], fatigue, "is neither PPO nor DQN"),
        (models["ppo"], classic, "was trained with other observations"),
    ):
        with pytest.raises(PrerollError, match=line) as error:
            import_sb3(path, tables, trust_pickle=True)
        assert "\n" not in str(error.value)


@pytest.fixture
def saved(fatigue: Tables, tmp_path: Path) -> Path:
    make_agent("thompson", fatigue).save(tmp_path / "agent")
    return tmp_path / "agent"


def replace(folder: Path, name: str, content: bytes) -> None:
    """Puts ``content`` in the place of a file of a saved agent, and its sha256 in the manifest: a careful attacker."""
    (folder / name).write_bytes(content)
    reseal(folder)


def changed(folder: Path, **changes: Any) -> bytes:
    """The content of ``agent.json`` with other entries."""
    return json.dumps({**json.loads((folder / "agent.json").read_text()), **changes}).encode()


def test_a_pickle_in_the_place_of_the_weights_is_refused_and_not_loaded(saved: Path, tmp_path: Path) -> None:
    replace(saved, "arrays.safetensors", pickle.dumps(Bomb(tmp_path / "crater")))
    with pytest.raises(PrerollError, match=r"arrays\.safetensors: is not what a saved agent holds") as error:
        load_agent(saved)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "crater").exists()


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"name": "os:system"}, "agent 'os:system': unknown"),
        ({"settings": {"num_envs": 8, "hook": "x"}}, "agent thompson: unknown setting 'hook'"),
        ({"format": 99}, "format 99 is unknown"),
        ({"steps": "many"}, r"agent\.json: .* steps: 'many' is no number of transitions"),
        ({"total_steps": -1}, r"agent\.json: .* total_steps: -1 is no number of transitions"),
        ({"spec": 3}, r"agent\.json: is not what a saved agent holds"),
        ({"scalars": None, "generator": {"bit_generator": "PCG64"}}, r"agent\.json: is not what a saved agent holds"),
    ],
)
def test_a_forged_description_is_refused_in_one_line(saved: Path, changes: dict[str, Any], line: str) -> None:
    replace(saved, "agent.json", changed(saved, **changes))
    with pytest.raises(PrerollError, match=line) as error:
        load_agent(saved)
    assert "\n" not in str(error.value)


def test_text_and_missing_arrays_are_refused_in_one_line(saved: Path, classic: Tables, tmp_path: Path) -> None:
    make_agent("lints", classic).save(tmp_path / "other")
    replace(saved, "arrays.safetensors", (tmp_path / "other" / "arrays.safetensors").read_bytes())
    with pytest.raises(PrerollError, match="is not what a saved agent holds"):
        load_agent(saved)
    replace(saved, "agent.json", b"{")
    with pytest.raises(PrerollError, match=r"agent\.json: is not what a saved agent holds"):
        load_agent(saved)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("name", ["thompson", "window-ucb", "linucb", "ppo", "dqn", "recurrent-ppo"])
def test_arrays_of_a_wrong_shape_or_kind_are_refused_in_one_line(
    name: str, training: bool, fatigue: Tables, tmp_path: Path
) -> None:
    folder = tmp_path / "agent"
    small = {"buffer": 100} if name == "dqn" else {}
    agent = make_agent(name, fatigue, num_envs=4, **small)
    agent.save(folder, training=training)
    saved = load_file(folder / "arrays.safetensors")
    for key, array in saved.items():
        if array.ndim == 0 or 0 in array.shape:
            continue
        for forged in (array[..., None], np.concatenate([array, array], axis=-1), array.astype(np.complex64)):
            replace(folder, "arrays.safetensors", save({**saved, key: forged}))
            with pytest.raises(PrerollError, match=r"arrays\.safetensors: is not what a saved agent holds") as error:
                load_agent(folder)
            assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["linucb", "ppo"])
def test_an_agent_of_nan_is_refused_in_one_line(name: str, fatigue: Tables, tmp_path: Path) -> None:
    # it was exported without a word: with NaN no comparison finds a difference
    folder = tmp_path / "agent"
    make_agent(name, fatigue).save(folder)
    saved = load_file(folder / "arrays.safetensors")
    key = next(key for key, array in saved.items() if array.dtype.kind == "f")
    replace(folder, "arrays.safetensors", save({**saved, key: np.full_like(saved[key], np.nan)}))
    with pytest.raises(PrerollError, match=r"arrays\.safetensors: .* holds NaN or infinity"):
        load_agent(folder)


@pytest.mark.parametrize("name", ["greedy", "optimum"])
def test_an_oracle_whose_table_does_not_fit_is_refused_in_one_line(name: str, fatigue: Tables, tmp_path: Path) -> None:
    folder = tmp_path / "agent"
    make_agent(name, fatigue).save(folder)
    saved = load_file(folder / "arrays.safetensors")
    key = next(key for key in saved if key != "rows")
    for changes in ({key: saved[key][..., None]}, {"rows": saved["rows"][:-1]}, {"rows": saved["rows"][:, :2]}):
        replace(folder, "arrays.safetensors", save({**saved, **changes}))
        with pytest.raises(PrerollError, match=r"arrays\.safetensors: is not what a saved agent holds"):
            load_agent(folder)


def test_an_optimizer_of_another_network_is_refused(fatigue: Tables, practice: Practice, tmp_path: Path) -> None:
    agent = make_agent("lean-ppo", fatigue, num_envs=4, steps=5, batch=20)
    practice(agent, fatigue, 5)
    agent.save(tmp_path / "agent", training=True)
    saved = load_file(tmp_path / "agent" / "arrays.safetensors")
    forged = save({**saved, "optimiser/0/exp_avg": np.zeros((3, 3), np.float32)})
    replace(tmp_path / "agent", "arrays.safetensors", forged)
    with pytest.raises(PrerollError, match=r"optimiser/0/exp_avg: has shape \[3, 3\]"):
        load_agent(tmp_path / "agent")


def test_a_manifest_with_a_wrong_sha256_is_refused(saved: Path) -> None:
    text, of_arrays = (saved / "manifest.json").read_text(), manifest.read(saved).files["arrays.safetensors"]["sha256"]
    (saved / "manifest.json").write_text(text.replace(of_arrays, "0" * 64))
    with pytest.raises(
        PrerollError, match=r"manifest\.json: is not the file that was written: its seal does not match"
    ):
        load_agent(saved)
    atomic.write_sealed(saved / "manifest.json", json.loads(text.replace(of_arrays, "0" * 64)))
    with pytest.raises(
        PrerollError, match=r"arrays\.safetensors: is not the file that was written: its sha256 differs"
    ):
        load_agent(saved)


def test_no_module_of_ours_reads_a_pickle_that_could_run_anything() -> None:
    # a copy of an environment, made a line before; a reader that finds no function; weights alone, of a known sha256
    harmless = {"determinism.py", "plain_pickle.py", "weight_packages.py"}
    rooms = ROOT
    readers = ("pickle.load", "torch.load(", "joblib", "allow_pickle=True", "pickle.Unpickler")
    found = {
        path.name
        for room in ("agents", "envs", "perception", "simulations", "preroll")
        for path in (rooms / room).rglob("*.py")
        if any(reader in path.read_text("utf8") for reader in readers)
    }
    assert found <= harmless


@pytest.mark.parametrize("kind", [PPO, DQN])
def test_what_a_wrapper_had_changed_is_refused_or_carried(kind: Any, fatigue: Tables, tmp_path: Path) -> None:
    """A network of normalised observations was imported and decided by the observations themselves."""
    short: dict[str, Any] = {"n_steps": 16, "batch_size": 16} if kind is PPO else {"learning_starts": 8}

    def trained(wrap: Callable[[Any], Any]) -> Path:
        model = kind("MlpPolicy", wrap(DummyVecEnv([lambda: SessionEnv(tables=fatigue)] * 2)), device="cpu", **short)
        model.learn(64).save(tmp_path / "model.zip")
        return tmp_path / "model.zip"

    with pytest.raises(PrerollError, match=r"model\.zip: was trained on observations that VecNormalize had changed"):
        import_sb3(trained(VecNormalize), fatigue, trust_pickle=True)
    with pytest.raises(PrerollError, match=r"other observations: Box.* not several of them$"):
        import_sb3(trained(lambda envs: VecFrameStack(envs, 3)), fatigue, trust_pickle=True)
    for wrap in (lambda envs: envs, lambda envs: VecNormalize(envs, norm_obs=False)):  # of the observations themselves
        import_sb3(trained(wrap), fatigue, trust_pickle=True)

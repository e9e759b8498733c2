"""Our loop gives what ``learn`` of stable-baselines3 and sb3-contrib gives from the same weights, sessions and dice."""

from typing import Any

import numpy as np
import pytest
import torch
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import VecEnvWrapper

from preroll.agents import Transitions, make_agent
from preroll.agents.deep.rng_isolation import OwnGlobals, one_thread
from preroll.agents.interop.sb3_vec_env import PrerollVecEnv
from preroll.envs import SessionVectorEnv, Tables

LANES, HIDDEN, RATE, GAMMA = 8, (16,), 3e-3, 0.9
OURS: dict[str, Any] = {
    "num_envs": LANES, "hidden": HIDDEN, "learning_rate": RATE, "final_learning_rate": RATE, "gamma": GAMMA,
    "max_gradient": 0.4,
}  # fmt: skip
THEIRS: dict[str, Any] = {"learning_rate": RATE, "gamma": GAMMA, "max_grad_norm": 0.4, "device": "cpu"}


class Recorded(VecEnvWrapper):
    """Divides rewards as our agents do, keeps every step, and tells of the horizon only where it is bootstrapped."""

    def __init__(self, tables: Tables, bootstrap: bool) -> None:
        envs = SessionVectorEnv(LANES, tables=tables, copy=False, autoreset_mode=AutoresetMode.SAME_STEP)
        super().__init__(PrerollVecEnv(envs))
        self.scale, self.bootstrap, self.given = tables.spec.largest_reward, bootstrap, list[Transitions]()
        self.seed(5)

    def reset(self) -> Any:
        self.last: Any = self.venv.reset()
        return self.last

    def step_async(self, actions: NDArray[np.int64]) -> None:
        self.actions = actions.copy()
        self.venv.step_async(actions)

    def step_wait(self) -> Any:
        following, rewards, dones, infos = self.venv.step_wait()
        true_next, truncated = np.array(following), np.zeros(LANES, np.bool_)
        for lane in np.flatnonzero(dones):
            true_next[lane] = infos[lane]["terminal_observation"]
            truncated[lane] = infos[lane]["TimeLimit.truncated"]
            infos[lane]["TimeLimit.truncated"] &= self.bootstrap
        last, actions, paid = self.last.copy(), self.actions, rewards.astype(np.float64)
        self.given.append(Transitions(last, actions, paid, true_next, dones & ~truncated, truncated, paid > 0))
        self.last = following
        return following, rewards / np.float32(self.scale), dones, infos


def compare(ours: Any, theirs: Any, steps: int) -> None:
    """Both learn from what theirs plays; the networks are equal in the end, and are not those of the beginning."""
    theirs.policy.load_state_dict(ours.model.policy.state_dict())
    dice, train = OwnGlobals(0), theirs.train
    dice.load_state(ours.own_globals.state_arrays())

    def with_our_dice(*arguments: Any, **keywords: Any) -> None:
        with dice:
            train(*arguments, **keywords)

    theirs.train = with_our_dice
    before = {name: value.clone() for name, value in theirs.policy.state_dict().items()}
    with OwnGlobals(1), one_thread():  # the dice of theirs for what it plays
        theirs.learn(steps * LANES)
    given = theirs.env.given
    assert len(given) == steps
    assert any(one.terminated.any() for one in given)
    assert any(one.truncated.any() for one in given)
    ours.start_training(steps * LANES)
    for one in given:
        ours.update(one)
    assert ours.model._n_updates == theirs._n_updates > 3
    for name, value in ours.model.policy.state_dict().items():
        assert not torch.equal(value, before[name]), name
        torch.testing.assert_close(value, theirs.policy.state_dict()[name], rtol=0, atol=2e-6, msg=name)


@pytest.mark.parametrize("bootstrap", [False, True])
@pytest.mark.parametrize("n_step", [1, 3])
@pytest.mark.parametrize(
    ("name", "module", "network"),
    [("dqn", "stable_baselines3", {}), ("qr-dqn", "sb3_contrib", {"n_quantiles": 5})],
)
def test_replay_learns_as_their_learn_does(
    name: str, module: str, network: dict[str, int], n_step: int, bootstrap: bool, short: Tables
) -> None:
    """Theirs copies the target network before every fourth step's update, ours after every fourth update.

    With three steps before the first update both copy at the same updates. The buffer overflows.
    """
    algorithm = getattr(pytest.importorskip(module), name.replace("-", "").upper())
    settings = {"batch": 16, "updates_per_step": 2.0, "n_step": n_step, "buffer": 10 * LANES, "target_every": 4}
    quantiles = {"quantiles": 5} if network else {}
    ours = make_agent(
        name, short, seed=2, learning_starts=4 * LANES, bootstrap_at_horizon=bootstrap, **OURS, **settings, **quantiles
    )
    theirs = algorithm(
        "MlpPolicy", Recorded(short, bootstrap), batch_size=16, buffer_size=10 * LANES, learning_starts=3 * LANES,
        train_freq=1, gradient_steps=1, target_update_interval=4 * LANES, n_steps=n_step, **THEIRS,
        policy_kwargs={"net_arch": list(HIDDEN), "activation_fn": torch.nn.ReLU, **network},
    )  # fmt: skip
    compare(ours, theirs, 24)
    for part in ("observations", "next_observations", "actions", "rewards", "dones", "timeouts"):
        mine, other = (getattr(model.replay_buffer, part) for model in (ours.model, theirs))  # type: ignore[attr-defined]
        np.testing.assert_array_equal(mine, other, err_msg=part)


@pytest.mark.parametrize("bootstrap", [False, True])
def test_ppo_learns_as_their_learn_does(bootstrap: bool, short: Tables) -> None:
    """Four collections; some sessions reach the horizon with the last step of one, others go on to the next."""
    ours = make_agent(
        "ppo", short, seed=2, steps=5, batch=10, epochs=2, gae_lambda=0.8, clip=0.1, entropy=0.03, value_weight=0.7,
        bootstrap_at_horizon=bootstrap, **OURS,
    )  # fmt: skip
    theirs = PPO(
        "MlpPolicy", Recorded(short, bootstrap), n_steps=5, batch_size=10, n_epochs=2, gae_lambda=0.8, clip_range=0.1,
        ent_coef=0.03, vf_coef=0.7, **THEIRS,
        policy_kwargs={"net_arch": {"pi": list(HIDDEN), "vf": list(HIDDEN)}, "activation_fn": torch.nn.ReLU},
    )  # fmt: skip
    compare(ours, theirs, 20)

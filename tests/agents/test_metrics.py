"""What agents report while they learn, each against its definition."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import stats

from preroll.agents import AGENTS, Transitions, make_agent
from preroll.envs import Tables

#: How often each ad was shown in every category, and viewed.
SHOWN = np.array([[3, 5, 2, 8, 1, 6], [4, 4, 4, 4, 4, 4], [0, 7, 1, 0, 2, 9]])
VIEWED = np.array([[1, 5, 0, 3, 1, 2], [0, 1, 2, 3, 4, 2], [0, 2, 1, 0, 1, 9]])
PAY = np.array([1.0, 3, 1, 2, 1, 2])


def taught(name: str, tables: Tables, **settings: Any) -> Any:
    """An agent that has learned the table above, on rows of the catalog."""
    assert (
        tables.spec.rewards.tolist() == PAY[[tables.spec.labels.index(label) for label in tables.spec.labels]].tolist()
    )
    agent = make_agent(name, tables, seed=1, **settings)
    category = np.asarray(tables.catalog.category)
    rows, ads, viewed = [], [], []
    for k, a in np.ndindex(*SHOWN.shape):
        rows += [tables.arrays.rows[np.flatnonzero(category == k)[a % 10]]] * SHOWN[k, a]
        ads += [a] * SHOWN[k, a]
        viewed += [i < VIEWED[k, a] for i in range(SHOWN[k, a])]
    nobody, seen, shown, views = np.zeros(len(ads), bool), np.array(rows), np.array(ads), np.array(viewed)
    chances = np.full(len(ads), 1 / 6)
    agent.update(Transitions(seen, shown, PAY[shown] * views, seen, nobody, nobody, views, chances))
    return agent


def test_epsilon_is_the_mean_over_categories(classic: Tables) -> None:
    assert taught("epsilon-greedy", classic, schedule="constant", epsilon=0.3).metrics() == {"epsilon": 0.3}
    expected = np.mean([min(1, 2 * 6 / count) for count in SHOWN.sum(axis=1)])
    assert taught("epsilon-greedy", classic, pulls=2).metrics() == {"epsilon": pytest.approx(expected)}


@pytest.mark.parametrize("name", ["ucb1", "window-ucb"])
def test_the_bonus_of_ucb_is_the_mean_width_of_the_ads_that_were_shown(name: str, classic: Tables) -> None:
    with np.errstate(divide="ignore"):
        widths = 0.7 * np.sqrt(2 * np.log(SHOWN.sum(axis=1, keepdims=True)) / SHOWN) * PAY
    told = taught(name, classic, alpha=0.7).metrics()
    assert told == {"bonus": pytest.approx(widths[SHOWN > 0].mean())}
    assert make_agent(name, classic).metrics() == {"bonus": 0.0}


@pytest.mark.parametrize("name", ["discounted-ucb", "kl-ucb"])
def test_the_bonus_of_an_index_is_its_mean_distance_from_the_mean(name: str, classic: Tables) -> None:
    agent = taught(name, classic)
    counts, sums = agent.arms.counts, agent.arms.sums
    gaps = (agent.indices() - sums / np.maximum(counts, 1e-300) * PAY)[SHOWN > 0]
    assert agent.metrics() == {"bonus": pytest.approx(gaps.mean())}
    assert gaps.mean() > 0.1


@pytest.mark.parametrize("name", ["thompson", "discounted-thompson", "window-thompson"])
def test_the_posterior_std_of_thompson_is_that_of_the_beta_distributions(name: str, classic: Tables) -> None:
    agent = taught(name, classic, prior_views=2.0, prior_skips=3.0)
    expected = (stats.beta(agent.views, agent.skips).std() * PAY).mean()
    assert agent.metrics() == {"posterior_std": pytest.approx(expected)}


def test_the_posterior_std_of_the_gaussian_falls_with_the_root_of_the_count(classic: Tables) -> None:
    expected = (0.8 * 3 / np.sqrt(SHOWN + 1)).mean()
    assert taught("gaussian-thompson", classic, noise=0.8).metrics() == {"posterior_std": pytest.approx(expected)}


def test_exp3_tells_its_rate_and_its_entropy(classic: Tables) -> None:
    agent = taught("exp3", classic, rate=0.5)
    rates = 0.5 * np.sqrt(math.log(6) / ((SHOWN.sum(axis=1) + 1) * 6))
    losses = 6 * (SHOWN - VIEWED * PAY / 3)  # each divided by the propensity of 1 / 6
    entropy = stats.entropy(np.exp(-rates[:, None] * losses), axis=1).mean()
    assert agent.metrics() == {"rate": pytest.approx(rates.mean()), "entropy": pytest.approx(entropy)}
    assert make_agent("exp3", classic).metrics()["entropy"] == pytest.approx(math.log(6))


def test_squarecb_tells_its_gamma(classic: Tables) -> None:
    told = taught("squarecb", classic, gamma=5.0, exponent=0.5).metrics()
    assert told == {"gamma": pytest.approx(5 * math.sqrt(SHOWN.sum()))}


def widths_of(inverses: NDArray[np.float64], rows: NDArray[np.float32]) -> NDArray[np.float64]:
    x = rows.astype(np.float64)
    return np.asarray(np.sqrt(np.einsum("ni,aij,nj->na", x, inverses, x)))


@pytest.mark.parametrize("lanes", [3, 200])
def test_linear_bandits_tell_the_mean_width_of_their_last_choice(lanes: int, classic: Tables) -> None:
    rows = classic.arrays.rows[np.arange(lanes) % classic.n_videos]
    for name, factor in (("linucb", 1.0), ("lints", 0.4)):
        agent = taught(name, classic, **({"v": 0.4} if name == "lints" else {"alpha": 0.7}))
        assert agent.metrics()["width"] == 0
        agent.act(rows)
        expected = factor * widths_of(agent.inverses, agent.features(rows)).mean()
        assert agent.metrics()["width"] == pytest.approx(expected, rel=1e-6)
    ucb = taught("linucb", classic, alpha=0.7)
    assert ucb.metrics()["alpha"] == pytest.approx(0.7 * math.sqrt(2 * math.log(SHOWN.sum() + 1)))
    assert taught("linucb", classic, alpha=0.7, growth="constant").metrics()["alpha"] == 0.7


def test_logistic_thompson_tells_the_mean_width_of_its_last_choice(classic: Tables) -> None:
    agent, rows = taught("logistic-thompson", classic, alpha=0.6), classic.arrays.rows[:7]
    agent.act(rows, explore=False)
    assert agent.metrics() == {"width": 0.0}
    agent.act(rows)
    x = agent.features(rows)
    expected = 0.6 * np.sqrt((x[:, None] ** 2 / agent.precisions).sum(axis=2)).mean()
    assert agent.metrics() == {"width": pytest.approx(expected)}


def test_neural_linear_tells_the_loss_of_the_last_quarter_of_its_last_training(
    classic: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    losses: list[float] = []
    measure = torch.nn.functional.mse_loss

    def noted(predicted: torch.Tensor, true: torch.Tensor) -> torch.Tensor:
        loss = measure(predicted, true)
        losses.append(loss.item())
        return loss

    monkeypatch.setattr(torch.nn.functional, "mse_loss", noted)
    agent = taught("neural-linear", classic, v=0.4, train_every=60, gradient_steps=8, batch=16)
    rows = classic.arrays.rows[:5]
    agent.act(rows)
    width = 0.4 * np.sqrt(np.einsum("ni,aij,nj->na", *[agent.features(rows), agent.inverses, agent.features(rows)]))
    assert len(losses) == 8
    expected = {"loss": pytest.approx(np.mean(losses[-2:])), "trainings": 1.0, "width": pytest.approx(width.mean())}
    assert agent.metrics() == expected


def in_steps(agent: Any, tables: Tables, steps: int) -> Any:
    """Teaches 8 lanes, of a training of 40 steps."""
    agent.start_training(40 * 8)
    rng, nobody = np.random.default_rng(2), np.zeros(8, bool)
    for _ in range(steps):
        rows = tables.arrays.rows[rng.integers(tables.n_videos, size=8)]
        viewed = rng.random(8) < 0.5
        ads = agent.act(rows)
        agent.update(Transitions(rows, ads, PAY[ads] * viewed, rows, nobody, nobody, viewed))
    return agent


@pytest.mark.parametrize("name", ["dqn", "qr-dqn"])
def test_dqn_tells_its_schedules_and_its_buffer(name: str, classic: Tables) -> None:
    settings: dict[str, Any] = {"num_envs": 8, "learning_starts": 80, "batch": 32, "buffer": 200}
    settings |= {"learning_rate": 1e-2, "final_learning_rate": 2e-3, "updates_per_step": 2.0}
    agent = in_steps(make_agent(name, classic, seed=1, **settings), classic, 20)
    told = agent.metrics()
    assert told["learning_rate"] == pytest.approx(6e-3)  # half of the training is over
    assert told["replay_size"] == 160
    assert told["gradient_steps"] == (160 - 80 + 8) * 2 // 32
    assert told["epsilon"] == agent.epsilon
    assert told["loss"] > 0
    assert in_steps(agent, classic, 10).metrics()["replay_size"] == 200


@pytest.mark.parametrize("name", ["ppo", "lean-ppo"])
def test_ppo_tells_its_learning_rate_and_afterwards_its_last_training(name: str, classic: Tables) -> None:
    settings: dict[str, Any] = {"num_envs": 8, "steps": 10, "batch": 40, "learning_rate": 1e-2}
    agent = in_steps(make_agent(name, classic, seed=1, **settings, final_learning_rate=2e-3), classic, 5)
    assert agent.metrics() == {"learning_rate": pytest.approx(1e-2 + (2e-3 - 1e-2) / 8)}
    told = in_steps(agent, classic, 10).metrics()
    assert 0.8 * math.log(6) < told["entropy"] <= math.log(6)  # a new network is all but undecided
    assert told["value_loss"] > 0
    assert 0 <= told["clip_fraction"] <= 1
    assert told["approx_kl"] > 0
    assert {"policy_loss", "value_loss", "entropy", "approx_kl", "clip_fraction"} <= set(told)


def test_every_agent_that_reports_is_looked_at_here(classic: Tables) -> None:
    looked_at = {"epsilon-greedy", "ucb1", "window-ucb", "discounted-ucb", "kl-ucb", "thompson", "exp3", "squarecb"}
    looked_at |= {"discounted-thompson", "window-thompson", "gaussian-thompson", "logistic-thompson", "linucb", "lints"}
    looked_at |= {"neural-linear", "dqn", "qr-dqn", "ppo", "lean-ppo", "recurrent-ppo"}  # the last is a lean-ppo
    assert {name for name in AGENTS if make_agent(name, classic).metrics()} <= looked_at

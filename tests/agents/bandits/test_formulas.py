"""One lane of every bandit is the sequence that its paper writes down."""

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import brentq, minimize_scalar
from scipy.special import expit

from preroll.agents import Transitions, make_agent
from preroll.agents.bandits.forgetting import ArmStatistics, ForgettingSettings
from preroll.envs import Tables

Round = tuple[int, int, bool]  # context, ad, viewed


def play(agent: Any, tables: Tables, rounds: int) -> Any:
    """Plays rounds one by one on rows of the catalog; gives before each round (history, observation, context)."""
    rng = np.random.default_rng(8)
    nobody = np.zeros(1, dtype=bool)
    history: list[Round] = []
    for _ in range(rounds):
        observation = tables.arrays.rows[[rng.integers(tables.n_videos)]]
        [context] = agent.context(observation)
        yield history, observation, int(context)
        [ad] = agent.act(observation)
        viewed = rng.random(1) < 0.5
        reward = viewed * tables.spec.rewards[ad]
        agent.update(Transitions(observation, np.array([ad]), reward, observation, nobody, nobody, viewed))
        history.append((int(context), int(ad), bool(viewed[0])))


def weights_of(history: list[Round], context: int, forgetting: str, length: float) -> list[tuple[int, bool, float]]:
    """(ad, viewed, weight) of the rounds of one context, newest first."""
    own = [(ad, viewed) for k, ad, viewed in reversed(history) if k == context]
    if forgetting == "window":
        return [(ad, viewed, 1.0) for ad, viewed in own[: int(length)]]
    gamma = length if forgetting == "discount" else 1.0
    return [(ad, viewed, gamma**age) for age, (ad, viewed) in enumerate(own)]


def tallies(rounds: list[tuple[int, bool, float]], n_actions: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    counts, views = np.zeros(n_actions), np.zeros(n_actions)
    for ad, viewed, weight in rounds:
        counts[ad] += weight
        views[ad] += weight * viewed
    return counts, views


@pytest.mark.parametrize(
    ("name", "settings", "forgetting", "length"),
    [
        ("ucb1", {"alpha": 0.7}, "none", 0.0),
        ("ucb1", {"alpha": 1.0, "target": "reward"}, "none", 0.0),
        ("discounted-ucb", {"discount": 0.9}, "discount", 0.9),
        ("window-ucb", {"window": 13}, "window", 13.0),
    ],
)
def test_ucb_shows_the_largest_upper_bound(
    classic: Tables, name: str, settings: dict[str, Any], forgetting: str, length: float
) -> None:
    agent: Any = make_agent(name, classic, num_envs=1, seed=1, **settings)
    pay = classic.spec.rewards
    for history, observation, context in play(agent, classic, 250):
        counts, views = tallies(weights_of(history, context, forgetting, length), classic.n_actions)
        with np.errstate(divide="ignore", invalid="ignore"):
            bonus = agent.settings.alpha * np.sqrt(2 * math.log(max(counts.sum(), 1.0)) / counts)
            if agent.settings.target == "view":
                expected = (views / counts + bonus) * pay
            else:
                expected = views * pay / counts + bonus * pay.max()
        expected[counts < 1e-12] = np.inf
        np.testing.assert_allclose(agent.indices()[context], expected, rtol=1e-9)
        told = agent.action_probabilities(observation, explore=True)[0]
        assert set(np.flatnonzero(told)) == set(np.flatnonzero(expected >= expected.max() - 1e-9))


def test_kl_ucb_is_the_root_of_its_equation(classic: Tables) -> None:
    agent: Any = make_agent("kl-ucb", classic, num_envs=1, seed=1, c=1.0)

    def divergence(p: float, q: float) -> float:
        terms = [p * math.log(p / q)] if p > 0 else []
        return sum([*terms, (1 - p) * math.log((1 - p) / (1 - q))] if p < 1 else terms)

    for history, _, context in play(agent, classic, 200):
        counts, views = tallies(weights_of(history, context, "none", 0.0), classic.n_actions)
        found = agent.indices()[context]
        for ad in np.flatnonzero(counts):
            log = math.log(max(counts.sum(), 1.0))
            budget = (log + math.log(max(log, 1.0))) / counts[ad]
            p = views[ad] / counts[ad]
            root = p
            if p < 1 and budget > 0:
                root = brentq(lambda q, p=p, budget=budget: divergence(p, q) - budget, max(p, 1e-12), 1 - 1e-15)
            assert found[ad] == pytest.approx(root * classic.spec.rewards[ad], abs=1e-7)


@pytest.mark.parametrize(
    ("name", "settings", "forgetting", "length"),
    [
        ("thompson", {}, "none", 0.0),
        ("discounted-thompson", {"discount": 0.9}, "discount", 0.9),
        ("window-thompson", {"window": 13}, "window", 13.0),
    ],
)
def test_thompsons_posterior_counts_views_and_skips_as_far_as_it_remembers(
    classic: Tables, name: str, settings: dict[str, Any], forgetting: str, length: float
) -> None:
    agent: Any = make_agent(name, classic, num_envs=1, seed=1, prior_views=2.0, prior_skips=3.5, **settings)
    pay = classic.spec.rewards
    for history, observation, context in play(agent, classic, 250):
        counts, views = tallies(weights_of(history, context, forgetting, length), classic.n_actions)
        np.testing.assert_allclose(agent.views[context], 2.0 + views, rtol=1e-9)
        np.testing.assert_allclose(agent.skips[context], 3.5 + counts - views, rtol=1e-9)
        means = (2.0 + views) / (5.5 + counts) * pay
        told = agent.action_probabilities(observation)[0]
        assert set(np.flatnonzero(told)) == set(np.flatnonzero(means >= means.max() - 1e-9))


def test_thompson_draws_from_the_posterior_that_its_settings_begin_with(classic: Tables) -> None:
    """The agent's own generator draws every view probability from Beta(3, 40)."""
    agent: Any = make_agent("thompson", classic, seed=3, prior_views=3.0, prior_skips=40.0)
    draws = np.random.default_rng(3).beta(3.0, 40.0, (30, 6))
    assert agent.act(classic.arrays.rows).tolist() == (draws * classic.spec.rewards).argmax(axis=1).tolist()
    untold: Any = make_agent("thompson", classic)
    assert (untold.views == 1).all()
    assert (untold.skips == 1).all()


def test_the_gaussian_posterior_is_that_of_the_paper(classic: Tables) -> None:
    agent: Any = make_agent("gaussian-thompson", classic, num_envs=1, seed=1, noise=1.0)
    pay = classic.spec.rewards
    for history, _, context in play(agent, classic, 100):
        counts, views = tallies(weights_of(history, context, "none", 0.0), classic.n_actions)
        means, deviations = agent.posterior()
        np.testing.assert_allclose(means[context], views * pay / (counts + 1), rtol=1e-12)
        np.testing.assert_allclose(deviations[context], pay.max() / np.sqrt(counts + 1), rtol=1e-12)


def test_exp3_weighs_ads_by_their_estimated_losses(classic: Tables) -> None:
    agent: Any = make_agent("exp3", classic, num_envs=1, seed=1)
    pay, count = classic.spec.rewards, classic.n_actions
    for history, _, context in play(agent, classic, 200):
        losses, rounds = np.zeros(count), 1
        table = np.full(count, 1 / count)
        for k, ad, viewed in history:
            if k != context:
                continue
            losses[ad] += (1 - viewed * pay[ad] / pay.max()) / table[ad]
            rounds += 1
            weights = np.exp(-math.sqrt(math.log(count) / (rounds * count)) * (losses - losses.min()))
            table = weights / weights.sum()
        np.testing.assert_allclose(agent.table()[context], table, rtol=1e-9)


def test_squarecb_weighs_by_the_inverse_of_the_gap(classic: Tables) -> None:
    agent: Any = make_agent("squarecb", classic, gamma=5.0, exponent=0.5)
    agent.steps = 400
    agent.weights[:, :3] = np.random.default_rng(0).random((6, 3))
    row = classic.arrays.rows[:1]
    scores = (agent.weights @ agent.features(row)[0].astype(np.float64)) * classic.spec.rewards / 3.0
    best = scores.argmax()
    expected = 1 / (6 + 5.0 * 20.0 * (scores[best] - scores))
    expected[best] = 1 - np.delete(expected, best).sum()
    assert agent.action_probabilities(row, explore=True)[0] == pytest.approx(expected)
    assert agent.action_probabilities(row)[0, best] == 1.0


def test_logistic_thompson_moves_to_the_most_likely_weights(classic: Tables) -> None:
    agent: Any = make_agent("logistic-thompson", classic, num_envs=1)
    rng = np.random.default_rng(0)
    agent.means[...] = rng.normal(size=agent.means.shape)
    agent.precisions[...] = rng.random(agent.means.shape) + 0.5
    nobody = np.zeros(1, dtype=bool)
    for viewed in (True, False):
        row = classic.arrays.rows[[rng.integers(classic.n_videos)]]
        [x] = agent.features(row)
        mean, precision = agent.means[2].copy(), agent.precisions[2].copy()
        sign = 1.0 if viewed else -1.0

        def loss(step: float, m: Any = mean, q: Any = precision, x: Any = x, sign: float = sign) -> float:
            w = m + step * x / q  # the gradient shows that the minimum lies on this line
            return float(0.5 * (q * (w - m) ** 2).sum() + np.log1p(np.exp(-sign * (w @ x))))

        best = minimize_scalar(loss, bounds=(-1, 1), method="bounded", options={"xatol": 1e-10}).x
        agent.update(Transitions(row, np.array([2]), np.zeros(1), row, nobody, nobody, np.array([viewed])))
        np.testing.assert_allclose(agent.means[2], mean + best * x / precision, atol=1e-6)
        p = expit(agent.means[2] @ x)
        np.testing.assert_allclose(agent.precisions[2], precision + x**2 * p * (1 - p))


def test_lints_draws_the_score_as_drawn_weights_would_give_it(classic: Tables) -> None:
    """Mean and variance of w̃ᵀx over 200,000 draws of w̃ are those from which the agent draws (5 standard errors)."""
    agent: Any = make_agent("lints", classic, v=0.4)
    rng = np.random.default_rng(1)
    rows = classic.arrays.rows[rng.integers(classic.n_videos, size=60)]
    nobody = np.zeros(60, dtype=bool)
    agent.update(Transitions(rows, rng.integers(6, size=60), np.zeros(60), rows, nobody, nobody, rng.random(60) < 0.5))
    x = rows[:1]
    means, widths = agent.predict(x)
    drawn = rng.multivariate_normal(agent.weights[3], 0.16 * agent.inverses[3], size=200_000) @ agent.features(x)[0]
    assert drawn.mean() == pytest.approx(means[0, 3], abs=5 * 0.4 * widths[0, 3] / math.sqrt(200_000))
    assert drawn.std() == pytest.approx(0.4 * widths[0, 3], rel=5 / math.sqrt(400_000))


@pytest.mark.parametrize("forgetting", ["none", "discount", "window"])
def test_forgetting_takes_any_batches_as_it_takes_single_rounds(forgetting: str) -> None:
    rng = np.random.default_rng(4)
    settings = ForgettingSettings.model_validate({"forgetting": forgetting, "discount": 0.95, "window": 7})
    together, apart = ArmStatistics((3, 4), settings), ArmStatistics((3, 4), settings)
    for size in (1, 50, 3, 2, 9, 30):
        context, ads, values = rng.integers(3, size=size), rng.integers(4, size=size), rng.random(size)
        together.add(context, ads, values)
        for i in range(size):
            apart.add(context[i : i + 1], ads[i : i + 1], values[i : i + 1])
        np.testing.assert_allclose(together.counts, apart.counts, rtol=1e-12)
        np.testing.assert_allclose(together.sums, apart.sums, atol=1e-12)
    if forgetting == "window":
        assert together.counts.sum() == 3 * 7


def test_between_trainings_neural_linear_is_lints_on_what_the_network_sees(classic: Tables) -> None:
    """Features fixed, one round a time: posterior of the textbook, and the ads that LinTS draws with the same seed."""
    agent: Any = make_agent("neural-linear", classic, num_envs=1, seed=1, v=0.4, ridge=2.0, train_every=10_000)
    lints: Any = make_agent("lints", classic, num_envs=1, seed=1, v=0.4, ridge=2.0)
    size, n_actions = agent.settings.features + 1, classic.n_actions
    lints._start(size)
    lints.features = agent.features
    matrices, vectors = np.tile(2.0 * np.eye(size), (n_actions, 1, 1)), np.zeros((n_actions, size))
    rng, nobody = np.random.default_rng(8), np.zeros(1, dtype=bool)
    for _ in range(150):
        observation = classic.arrays.rows[[rng.integers(classic.n_videos)]]
        x = agent.features(observation)[0]
        [ad] = agent.act(observation)
        assert lints.act(observation).tolist() == [ad]
        np.testing.assert_allclose(agent.weights, np.linalg.solve(matrices, vectors[..., None])[..., 0], atol=1e-9)
        viewed = rng.random(1) < 0.5
        matrices[ad] += np.outer(x, x)
        vectors[ad] += x * float(viewed[0])
        step = Transitions(observation, np.array([ad]), np.zeros(1), observation, nobody, nobody, viewed)
        agent.update(step)
        lints.update(step)
    np.testing.assert_allclose(agent.inverses, np.linalg.inv(matrices), atol=1e-9)


def test_after_a_training_neural_linear_is_rebuilt_from_what_it_kept(classic: Tables) -> None:
    agent: Any = make_agent(
        "neural-linear", classic, seed=1, train_every=64, buffer=48, gradient_steps=3, batch=16, ridge=2.0
    )
    rng, nobody = np.random.default_rng(8), np.zeros(64, dtype=bool)
    rows = classic.arrays.rows[rng.integers(classic.n_videos, size=64)]
    ads, viewed = rng.integers(6, size=64), rng.random(64) < 0.5
    agent.update(Transitions(rows, ads, np.zeros(64), rows, nobody, nobody, viewed))
    assert agent.metrics()["trainings"] == 1
    x = agent.features(rows)[16:]
    for ad in range(6):
        own = ads[16:] == ad
        matrix = 2.0 * np.eye(x.shape[1]) + x[own].T @ x[own]
        np.testing.assert_allclose(agent.inverses[ad], np.linalg.inv(matrix), atol=1e-9)
        np.testing.assert_allclose(agent.weights[ad], np.linalg.solve(matrix, x[own].T @ viewed[16:][own]), atol=1e-9)

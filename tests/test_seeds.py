from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from preroll.agents import make_agent
from preroll.envs import Tables, random_policy, rollout
from preroll.errors import PrerollError
from preroll.perception import Catalog
from preroll.seeds import AGENT, EVALUATION, TRAINING, derive
from preroll.simulations import evaluate, fit, sample_observations, train, write_impressions

RANDOM = make_agent("random", "classic")

#: Every function that takes the seed of its draws.
DOORS: dict[str, Callable[[Any], object]] = {
    "train": lambda seed: train("thompson", sessions=10, seed=seed),
    "fit": lambda seed: fit(make_agent("thompson", "classic"), "classic", sessions=10, seed=seed),
    "evaluate": lambda seed: evaluate({"mine": RANDOM}, "classic", sessions=1000, seed=seed),
    "write_impressions": lambda seed: write_impressions("x.csv", RANDOM, "classic", sessions=1, seed=seed),
    "make_agent": lambda seed: make_agent("thompson", "classic", seed=seed),
    "rollout": lambda seed: rollout(tables := Tables.of("classic"), random_policy(tables), seed=seed),
    "sample_observations": lambda seed: sample_observations("classic", 5, seed=seed),
    "Catalog.synthetic": lambda seed: Catalog.synthetic(["a", "b"], 20, seed=seed),
}


def test_a_seed_and_a_purpose_always_give_the_same_63_bits() -> None:
    assert derive(0, TRAINING) == derive(0, TRAINING) == 1114221990052430739
    assert all(0 <= derive(seed, AGENT) < 2**63 for seed in range(1000))


def test_no_two_trainings_or_evaluations_share_a_user() -> None:
    lanes, seeds = 4096, range(200)
    streams: set[int] = set()
    for purpose in (TRAINING, EVALUATION):
        for seed in seeds:
            base = derive(seed, purpose)
            streams.update(range(base, base + lanes))
    assert len(streams) == 2 * len(seeds) * lanes


@pytest.mark.parametrize("wrong", [-1, 1.5, "a", True, None])
@pytest.mark.parametrize("asked", DOORS.values(), ids=DOORS)
def test_whoever_takes_a_seed_takes_whole_numbers_from_zero_alone(asked: Callable[[Any], object], wrong: Any) -> None:
    with pytest.raises(PrerollError, match="seed: "):
        asked(wrong)


def test_a_seed_is_the_same_however_it_is_written() -> None:
    assert derive(1000, TRAINING) == derive(np.int64(1000), TRAINING) == derive(1e3, TRAINING)  # type: ignore[arg-type]

"""The checks of an environment against its copies: each passes for the right one and finds out a broken one."""

import random
import re
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

from preroll.envs import Scenario, SessionEnv, SessionVectorEnv, preset_names
from preroll.envs.conformance.check import NAMES, SAMPLED, check_env
from preroll.envs.kernel import layout
from preroll.errors import PrerollError
from preroll.perception.catalog.catalog import Catalog
from tests.conftest import make_catalog

EVERYTHING = Scenario.load(
    {
        "name": "everything",
        "session": {"horizon": 6, "slots": ["pre", "mid"], "no_ad": True},
        "ads": {
            name: {
                "short": {"seconds": 10, "view_probability": 0.6, "reward": 1.0},
                "long": {"seconds": 30, "view_probability": 0.35, "reward": 2.5},
            }
            for name in ("cats", "cars", "concerts")
        },
        "user": {
            "mismatch": 0.3,
            "position": {"mid": 1.3},
            "repeat": 0.7,
            "fatigue": {"levels": 4, "recovery": 1, "gain": {"long": [1, 3]}, "wear": [1.0, 0.8, 0.6, 0.3]},
            "leave": {"hazard": {"long": [0.1, 0.06]}, "fatigue": [0, 0.01, 0.03, 0.1]},
            "segments": [
                {"name": "patient", "share": 0.7, "appeal": {"long": 1.2}},
                {"name": "hasty", "share": 0.3, "appeal": {"cats.short": 1.1}, "leave": 2.0},
            ],
        },
        "recommender": {"jump": 0.2, "rank_decay": 0.7},
        "observe": {"fatigue": True, "last_ad": True, "last_view": True, "position": True, "segment": True},
        "drift": [{"from_session": 3, "set": {"ads.cats.long.view_probability": 0.9, "user.mismatch": 0.5}}],
    }
)


class GlobalNumpy(SessionEnv):
    """Adds noise from numpy's global generator to the reward, seeded at a reset as careless code does."""

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        if seed is not None:
            np.random.seed(seed % 2**32)  # noqa: NPY002
        return super().reset(seed=seed, options=options)

    def step(self, action: Any) -> Any:
        observation, reward, *rest = super().step(action)
        return observation, reward + float(np.random.random()), *rest  # noqa: NPY002


class SharedState(SessionEnv):
    """Counts slots over all live copies, and begins its sessions by that count."""

    count = 0

    def step(self, action: Any) -> Any:
        SharedState.count += 1
        observation, *rest = super().step(action)
        observation[self.layout.parts["progress"].start] = SharedState.count % 7 / 7
        return observation, *rest


class MovingInfos(SessionEnv):
    """Tells a random P(view)."""

    def step(self, action: Any) -> Any:
        *rest, info = super().step(action)
        return *rest, {**info, "view_probability": random.random()}


class SharedBuffer(SessionEnv):
    """Returns the same array again and again."""

    buffer: Any = None

    def step(self, action: Any) -> Any:
        observation, *rest = super().step(action)
        if self.buffer is None:
            self.buffer = observation
        self.buffer[:] = observation
        return self.buffer, *rest


class ForgetfulPickle(SessionEnv):
    """Loses its slot when it is pickled."""

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        lanes = self._lanes._replace(words=self._lanes.words.copy())
        lanes.row(layout.SLOT)[:] = 0
        return {**state, "_lanes": lanes}


class ForgetfulSpec(SessionEnv):
    """Plays the scenario that its spec names only until it is made from JSON: it counts its copies."""

    made = 0

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        ForgetfulSpec.made += 1
        self.shift = ForgetfulSpec.made

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        return super().reset(seed=None if seed is None else seed + self.shift, options=options)


class Endless(SessionEnv):
    """Forgets to end."""

    def step(self, action: Any) -> Any:
        observation, reward, _, _, info = super().step(action)
        self._over = False
        return observation, reward, False, False, info


class BadRender(SessionEnv):
    """Renders text where a picture was asked for."""

    def render(self) -> Any:
        return "picture"


class TextReward(SessionEnv):
    """Returns the reward as text, which stable-baselines3 does not take."""

    def step(self, action: Any) -> Any:
        observation, reward, *rest = super().step(action)
        return observation, str(reward), *rest


class Crashing(SessionEnv):
    """Raises in its fifth slot."""

    def step(self, action: Any) -> Any:
        if self._lanes.read(layout.SLOT)[0] == 4:
            raise IndexError("index 5 is\nout of bounds")
        return super().step(action)


class ShiftedLanes(SessionVectorEnv):
    """Gives lane i the stream of lane i + 1."""

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> Any:
        return super().reset(seed=None if seed is None else seed + 1, options=options)


class StubbornLanes(SessionVectorEnv):
    """Takes a None in a list of seeds for the seed 0."""

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> Any:
        return super().reset(seed=[own or 0 for own in seed] if isinstance(seed, list) else seed, options=options)


class UnmaskedLanes(SessionVectorEnv):
    """Resets all lanes, whatever the mask."""

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> Any:
        return super().reset(seed=seed)


class SkippingLanes(SessionVectorEnv):
    """Leaves a session out after each one, under NEXT_STEP alone."""

    def step(self, actions: Any) -> Any:
        returned = super().step(actions)
        if self.metadata["autoreset_mode"] is AutoresetMode.NEXT_STEP:
            session = self._lanes.row(layout.SESSION)
            session += self._lanes.row(layout.ENDED) > 0
        return returned


class NarrowInfos(SessionVectorEnv):
    """Tells ads as int32."""

    def step(self, actions: Any) -> Any:
        *rest, infos = super().step(actions)
        return *rest, {**infos, "ad": infos["ad"].astype(np.int32)}


class CountedRestarts(SessionVectorEnv):
    """Tells restarts as slots."""

    def step(self, actions: Any) -> Any:
        *rest, infos = super().step(actions)
        infos["_ad"][:] = True
        return *rest, infos


class MovingVectorInfos(SessionVectorEnv):
    """Tells the videos of the slots to come, whichever they are when they are read."""

    def step(self, actions: Any) -> Any:
        *rest, infos = super().step(actions)
        infos["video"] = self._lanes.row(layout.VIDEO)[0, : self.num_envs]
        return *rest, infos


class SharedFlags(SessionVectorEnv):
    """Puts the flags themselves into the infos."""

    def step(self, actions: Any) -> Any:
        observations, rewards, terminated, truncated, infos = super().step(actions)
        infos["viewed"] = terminated
        return observations, rewards, terminated, truncated, infos


def register(broken: type[SessionEnv] | type[SessionVectorEnv]) -> str:
    """Registers a broken environment, beside the right one for its other form, and gives its id."""
    env_id = f"preroll-tests/{broken.__name__}-v0"
    if env_id not in gym.registry:
        name = f"{broken.__module__}:{broken.__qualname__}"
        single = issubclass(broken, SessionEnv)
        gym.register(
            env_id,
            entry_point=name if single else "preroll.envs.session:SessionEnv",
            vector_entry_point="preroll.envs.vector:SessionVectorEnv" if single else name,
        )
    return env_id


@pytest.mark.parametrize("name", preset_names())
def test_no_check_fails_for_a_preset(name: str) -> None:
    report = check_env(name, "demo", seed=0, slots=40_000)
    assert report.ok, str(report)
    assert [finding.name for finding in report.findings] == list(NAMES)
    skipped = {finding.name for finding in report.findings if finding.status == "not applicable"}
    assert skipped <= {"termination", "truncation", "leaving"}


def test_no_check_fails_with_every_mechanism_on() -> None:
    report = check_env(EVERYTHING, make_catalog(), seed=1, slots=40_000)
    assert report.ok, str(report)
    skipped = {finding.name: finding.why for finding in report.findings if finding.status == "not applicable"}
    assert skipped == {"spec": "the catalog exists in memory alone; save it as a folder to name it in a spec"}


OBSERVED = ("content", "progress", "fatigue", "last_ad", "last_view", "position", "segment")


@pytest.mark.parametrize(
    "changes",
    [
        *({"observe.category": value} for value in (True, "predicted", "none")),
        *({f"observe.{part}": shown} for part in OBSERVED for shown in (True, False)),
        *({"session.no_ad": allowed} for allowed in (True, False)),
        {"session.slots": ["pre"], "user.position": {}},
        {"session.slots": ["pre", "mid", "post"]},
    ],
    ids=lambda changes: " ".join(f"{key}={value}" for key, value in changes.items()),
)
def test_public_checks_and_those_of_lanes_pass_with_every_option(
    changes: dict[str, Any], small_catalog: Catalog
) -> None:
    checks = ["gymnasium", "stable-baselines3", "seeding", "lanes", "autoreset"]
    report = check_env(EVERYTHING.replace(changes), small_catalog, only=checks)
    assert [finding.status for finding in report.findings] == ["ok"] * len(checks), str(report)


def test_a_category_may_have_any_number_of_ads_of_any_length(small_catalog: Catalog) -> None:
    ads = {
        "cats": {name: {"seconds": 5, "view_probability": 0.5, "reward": 1} for name in ("bumper", "short", "epic")},
        "cars": {"long": {"seconds": 30, "view_probability": 0.4, "reward": 2}},
    }
    hazard = {"bumper": [0.01, 0.01], "epic": [0.2, 0.1]}
    scenario = Scenario.load("fatigue").replace({"ads": ads, "user.leave.hazard": hazard})
    report = check_env(scenario, small_catalog, slots=20_000)
    assert report.ok, str(report)


@pytest.mark.parametrize(
    ("broken", "check", "why"),
    [
        (GlobalNumpy, "replay", r"beside another copy: step \d+: reward"),
        (GlobalNumpy, "global seeds", "draws from, or seeds, a global generator"),
        (SharedState, "replay", r"step \d+: observation\[\d+\]"),
        (MovingInfos, "infos", "info view_probability"),
        (SharedBuffer, "fresh arrays", "changed after it was returned"),
        (SharedBuffer, "gymnasium", "share an object"),
        (ForgetfulPickle, "pickling", r"in its pickle of slot 11: step 0: observation"),
        (ForgetfulSpec, "spec", "before and after the round trip: step 0"),
        (Endless, "replay", "continues after its last slot, number 20"),
        (BadRender, "gymnasium", "RGB-array rendering should return a numpy array"),
        (TextReward, "stable-baselines3", "AssertionError: The reward returned by `step..` must be a float"),
        (Crashing, "replay", "IndexError: index 5 is out of bounds"),
        (ShiftedLanes, "lanes", "lane 0, step 0: differs from the single environment: observation of the reset"),
        (StubbornLanes, "seeding", "reset with a list: lane 1 does not start session 2 of seed 1"),
        (UnmaskedLanes, "seeding", "reset with a mask: lane 0 does not start session 0 of seed 1000003"),
        (NarrowInfos, "vector infos", r"NextStep, return 1, here and in SyncVectorEnv: infos ad: array\("),
        (CountedRestarts, "vector infos", r"NextStep, return \d+, here and in SyncVectorEnv: infos _ad: array"),
        (MovingVectorInfos, "late infos", r"NextStep, infos 1, read late and at once: video: array\("),
        (MovingVectorInfos, "own memory", "infos video of return 1 and the environment's _lanes 0 share memory"),
        (SharedFlags, "own memory", "NextStep: terminated of return 1 and infos viewed of return 1 share memory"),
        (SkippingLanes, "autoreset", r"lane \d, step \d+, SAME_STEP and NEXT_STEP: observation"),
    ],
)
def test_a_broken_environment_is_found_out(broken: type[SessionEnv], check: str, why: str) -> None:
    report = check_env("classic", "demo", env_id=register(broken), only=[check])
    assert not report.ok
    (finding,) = report.failed
    assert finding.name == check
    assert re.search(why, finding.why), finding.why
    assert "\n" not in finding.why


def test_a_check_of_global_seeds_leaves_the_generators_as_they_were(small_catalog: Catalog) -> None:
    random.seed(5)
    np.random.seed(5)  # noqa: NPY002
    before = random.getstate(), np.random.get_state()[1].tolist()  # type: ignore[index]  # noqa: NPY002
    assert check_env("classic", small_catalog, only=["global seeds"]).ok
    assert before == (random.getstate(), np.random.get_state()[1].tolist())  # type: ignore[index]  # noqa: NPY002


def test_an_environment_without_a_vector_form_is_checked_for_the_rest(small_catalog: Catalog) -> None:
    env_id = "preroll-tests/Alone-v0"
    gym.register(env_id, entry_point="preroll.envs.session:SessionEnv")
    report = check_env("classic", small_catalog, env_id=env_id, only=["replay", "lanes", *SAMPLED])
    assert [finding.status for finding in report.findings] == ["ok", *["not applicable"] * 8]


def test_a_scenario_of_one_slot_can_be_checked(small_catalog: Catalog) -> None:
    report = check_env(Scenario.load("classic").replace({"session.horizon": 1}), small_catalog, slots=1000)
    assert report.ok, str(report)
    assert report.findings[0].why == "Gymnasium's checker refuses sessions that are truncated after one step"


def test_an_unknown_check_is_refused(small_catalog: Catalog) -> None:
    with pytest.raises(PrerollError, match=r"check 'speed': no such check; did you mean .*\? There are gymnasium, "):
        check_env("classic", small_catalog, only=["speed"])


def test_a_negative_seed_is_refused(small_catalog: Catalog) -> None:
    with pytest.raises(PrerollError, match="seed -1, slots 400000: seed must not be negative"):
        check_env("classic", small_catalog, seed=-1)

"""Infos are Gymnasium's, hold for their own step whenever they are read, and can be counted."""

import copy
import pickle
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.wrappers.vector import DictInfoToList, RecordEpisodeStatistics
from numpy.typing import NDArray
from scipy import stats

from preroll.envs import Scenario, SessionEnv, SessionVectorEnv, Tables
from preroll.perception.catalog.catalog import Catalog
from tests.conftest import make_catalog
from tests.envs.every_mechanism import EVERYTHING

SAME, NEXT = AutoresetMode.SAME_STEP, AutoresetMode.NEXT_STEP
LANES = 6
OF_SLOT = ("ad", "viewed", "view_probability", "expected_reward", "watched")
CURVE = [[0, 0], [0.5, 0.7], [1, 1]]
WORLDS = {
    "classic": Tables.compile("classic", make_catalog()),
    "fatigue": Tables.compile("fatigue", make_catalog()),
    "published": Tables.compile("published", "demo"),
    "everything": Tables.compile(EVERYTHING, make_catalog()),
    "everything watched": Tables.compile(EVERYTHING.replace({"user.abandonment": CURVE}), make_catalog()),
    "one slot": Tables.compile(Scenario.load("fatigue").replace({"session.horizon": 1}), make_catalog()),
}
both_modes = pytest.mark.parametrize("mode", [NEXT, SAME])


def masked(infos: dict[str, Any]) -> dict[str, Any]:
    """SyncVectorEnv's infos, in which a lane that was reset has no slot: it cannot know that from the single info."""
    masks = {f"_{key}": infos[f"_{key}"] & (infos["ad"] >= 0) for key in OF_SLOT if key in infos}
    return infos | masks


def assert_equal(ours: Any, theirs: Any) -> None:
    """Equal in keys, types, shapes and values, nested mappings and objects included."""
    if isinstance(theirs, dict):
        assert isinstance(ours, dict)
        assert ours.keys() == theirs.keys()
        for key in theirs:
            assert_equal(ours[key], theirs[key])
        return
    assert type(ours) is type(theirs)
    if isinstance(theirs, np.ndarray):
        assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
        if theirs.dtype.kind == "O":
            for one, other in zip(ours, theirs, strict=True):
                assert_equal(one, other)
            return
        if ours.tobytes() == theirs.tobytes():  # NumPy's own assertion takes a hundred times as long
            return
    elif ours == theirs:
        return
    np.testing.assert_array_equal(ours, theirs)


def calls(tables: Tables, steps: int) -> list[tuple[str, dict[str, Any]]]:
    """Random steps of all lanes and, now and then, resets of some or of all."""
    rng = np.random.default_rng(7)
    made: list[tuple[str, dict[str, Any]]] = [("reset", {"seed": 11})]
    for _ in range(steps):
        made.append(("step", {"actions": rng.integers(0, tables.n_actions, LANES)}))
        chosen = rng.random(LANES) < 0.4
        if rng.random() < 0.1 and chosen.any():
            made.append(("reset", {"options": {"reset_mask": chosen}}))
        elif rng.random() < 0.01:
            made.append(("reset", {}))
    return made


@both_modes
@pytest.mark.parametrize("without_copies", [False, True])
@pytest.mark.parametrize("name", WORLDS)
def test_all_that_is_returned_is_what_gymnasiums_sync_vector_env_returns(
    name: str, without_copies: bool, mode: AutoresetMode
) -> None:
    tables = WORLDS[name]
    ours = SessionVectorEnv(LANES, tables=tables, autoreset_mode=mode, copy=not without_copies)
    theirs = SyncVectorEnv([lambda: SessionEnv(tables=tables)] * LANES, autoreset_mode=mode)
    ended = 0
    for method, arguments in calls(tables, 500):
        *arrays, infos = getattr(ours, method)(**copy.deepcopy(arguments))
        *expected, told = getattr(theirs, method)(**copy.deepcopy(arguments))
        for one, other in zip(arrays, expected, strict=True):
            assert_equal(one, other)
        assert_equal(infos, masked(told))
        ended += "final_obs" in told
    assert (ended > 20) == (mode is SAME)


@both_modes
@pytest.mark.parametrize("name", ["classic", "everything watched"])
def test_a_reset_tells_of_no_slot_that_could_be_counted(name: str, mode: AutoresetMode) -> None:
    tables = WORLDS[name]
    keys = ["video", "category", *OF_SLOT[: 5 if "watched" in name else 4]]
    single, envs = SessionEnv(tables=tables), SessionVectorEnv(LANES, tables=tables, autoreset_mode=mode)
    info, infos = single.reset(seed=3)[1], envs.reset(seed=3)[1]
    assert list(info) == keys == list(single.step(0)[4])
    assert (
        list(infos) == [name for key in keys for name in (key, f"_{key}")] == list(envs.step(np.zeros(LANES, int))[4])
    )
    assert (info["ad"], info["viewed"], infos["ad"].tolist()) == (-1, False, [-1] * LANES)
    assert not infos["viewed"].any()
    for key in keys[4:]:
        assert np.isnan(info[key])
        assert np.isnan(infos[key]).all()
    assert infos["_video"].all()
    assert not any(infos[f"_{key}"].any() for key in keys[2:])


@both_modes
@pytest.mark.parametrize("with_masks", [True, False])
def test_frequencies_counted_from_infos_lie_within_exact_bounds(with_masks: bool, mode: AutoresetMode) -> None:
    """By ad before videos of its category, in both modes; a wrong alarm once in a million, and the seed is fixed."""
    tables, lanes = WORLDS["classic"], 2000
    envs = SessionVectorEnv(lanes, tables=tables, autoreset_mode=mode)
    envs.reset(seed=5)
    rng, counts = np.random.default_rng(6), np.zeros((tables.n_actions, 2), int)
    for _ in range(63):  # three sessions of 20 slots, and three restarts under NEXT_STEP
        *_, infos = envs.step(rng.integers(0, tables.n_actions, lanes))
        for told in (infos, infos.get("final_info", {})):
            if not told:
                continue
            for ad in range(tables.n_actions):
                own = tables.spec.categories.index(tables.ads[ad].category)
                counted = (told["ad"] == ad) & (told["category"] == own)
                if with_masks or told is not infos:
                    counted &= told["_ad"]
                counts[ad] += counted.sum(), told["viewed"][counted].sum()
    shown, viewed = counts.T
    p = np.array([ad.view_probability for ad in tables.ads])
    level = 1e-6 / (2 * 4 * len(p))
    low, high = stats.binom.ppf([[level], [1 - level]], shown, p)
    assert ((low <= viewed) & (viewed <= high)).all()


def test_a_restart_that_is_no_slot_is_counted_in_neither_share_nor_mean(small_catalog: Catalog) -> None:
    """A bug once: under NEXT_STEP one slot in 21 told the ad that was ignored, with P(view) 0."""
    envs = SessionVectorEnv(50, "classic", small_catalog)
    envs.reset(seed=1)
    infos = [envs.step(np.full(50, 1))[4] for _ in range(21)]
    last = infos[-1]
    assert last["ad"].tolist() == [-1] * 50
    assert not last["_ad"].any()
    assert last["_video"].all()
    played = np.concatenate([told["view_probability"][told["_view_probability"]] for told in infos])
    everything = np.concatenate([told["view_probability"] for told in infos])
    assert len(played) == 1000
    assert np.nanmean(everything) == pytest.approx(played.mean(), rel=1e-12)


def test_final_observations_are_none_where_no_session_ended(small_catalog: Catalog) -> None:
    """A bug once: memory that nobody had written, up to 1e38."""
    envs = SessionVectorEnv(40, "fatigue", small_catalog, autoreset_mode=SAME)
    envs.reset(seed=2)
    found = 0
    for _ in range(60):
        _, _, terminated, truncated, infos = envs.step(np.full(40, 1))
        if "final_obs" in infos:
            over = terminated | truncated
            np.testing.assert_array_equal(infos["_final_obs"], over)
            for row, ended in zip(infos["final_obs"], over, strict=True):
                assert (row is not None) == ended
                assert row is None or (row.dtype == np.float32 and row.shape == (envs.layout.size,) and row.max() <= 1)
            assert not infos["final_info"]["view_probability"][~over].any()
            found += over.sum()
    assert found > 50


def returned(mode: AutoresetMode, *, without_copies: bool, name: str = "everything watched") -> list[Any]:
    """Infos of 30 steps and of the resets between them."""
    envs = SessionVectorEnv(LANES, tables=WORLDS[name], autoreset_mode=mode, copy=not without_copies)
    return [getattr(envs, method)(**arguments)[-1] for method, arguments in calls(envs.tables, 30)]


@both_modes
@pytest.mark.parametrize("without_copies", [False, True])
def test_infos_that_are_read_late_are_those_of_their_step(without_copies: bool, mode: AutoresetMode) -> None:
    envs = SessionVectorEnv(LANES, tables=WORLDS["everything watched"], autoreset_mode=mode, copy=not without_copies)
    at_once = [
        copy.deepcopy(dict(getattr(envs, method)(**arguments)[-1])) for method, arguments in calls(envs.tables, 30)
    ]
    for late, expected in zip(returned(mode, without_copies=without_copies), at_once, strict=True):
        assert_equal(late, expected)


def ended_infos(*, without_copies: bool = False) -> tuple[Any, dict[str, Any]]:
    """Infos of a step in which sessions ended, of which nothing was read, and a dict of the same."""
    unread, read = (returned(SAME, without_copies=without_copies) for _ in range(2))
    number = next(place for place, infos in enumerate(read) if "final_obs" in infos)
    return unread[number], {key: read[number][key] for key in read[number]}


def test_infos_pass_as_a_dict() -> None:
    _, plain = ended_infos()

    def fresh() -> Any:
        return ended_infos()[0]

    infos = fresh()
    assert isinstance(infos, dict)
    assert "video" in infos
    assert "speed" not in infos
    assert infos.get("speed", 3) == 3
    assert infos.get("speed") is None
    with pytest.raises(KeyError, match="speed"):
        infos["speed"]
    assert_equal(infos.get("ad"), plain["ad"])
    assert len(fresh()) == len(plain)
    assert bool(fresh())
    assert list(fresh()) == list(plain) == list(fresh().keys()) == [*reversed([*reversed(fresh())])]
    assert list(plain) == list(infos)  # whatever was read first
    for made in (
        dict(fresh()), {**fresh()}, fresh() | {}, {} | fresh(), fresh().copy(), dict(fresh().items()),
        copy.copy(fresh()), copy.deepcopy(fresh()), pickle.loads(pickle.dumps(fresh())),
        dict(zip(fresh(), fresh().values(), strict=True)),
    ):  # fmt: skip
        assert type(made) is dict
        assert_equal(made, plain)
    given: dict[str, Any] = {}
    given.update(fresh())
    assert_equal(given, plain)
    given = {}
    given |= fresh()
    assert_equal(given, plain)
    assert_equal((lambda **named: named)(**fresh()), plain)
    infos = fresh()
    assert infos == dict(infos)
    assert dict(infos) == infos
    assert infos != {}
    assert (infos != dict(infos)) is False
    assert repr(fresh()) == repr(plain)


@pytest.mark.parametrize("read", [[], ["ad"], ["ad", "final_info"]])
def test_a_copy_has_the_same_values_whatever_was_read_before(read: list[str]) -> None:
    """A bug once: a copy had arrays of its own until the original had been read as a whole."""
    for copied in (lambda infos: infos.copy(), copy.copy, dict, lambda infos: infos | {}):
        infos, _ = ended_infos()
        for key in read:
            infos[key]
        made = copied(infos)
        assert all(made[key] is infos[key] for key in made)
    infos, _ = ended_infos()
    assert not any(
        np.shares_memory(*pair) for pair in zip(arrays_in(copy.deepcopy(infos)), arrays_in(infos), strict=True)
    )


def test_infos_can_be_changed_as_a_dict() -> None:
    infos, plain = ended_infos()
    infos["episode"] = {"r": 1}
    infos["ad"] = "another"
    assert list(infos) == [*plain, "episode"]
    assert infos["ad"] == "another"
    infos, _ = ended_infos()
    del infos["ad"]
    assert "ad" not in infos
    assert infos.pop("video").dtype == np.int64
    assert infos.pop("speed", 5) == 5
    assert infos.setdefault("category", 0) is infos["category"]
    assert infos.setdefault("speed", 4) == 4
    assert infos.popitem() == ("speed", 4)
    infos |= {"note": 1}
    infos.update(more=2)
    assert list(infos) == [key for key in plain if key not in ("ad", "video")] + ["note", "more"]
    infos.clear()
    assert infos == {}
    assert "category" not in infos
    unread, _ = ended_infos()
    unread.clear()
    assert not list(unread)
    unread, _ = ended_infos()
    unread |= {"viewed": 3}
    assert_equal({**unread, "viewed": plain["viewed"]}, plain)


@both_modes
def test_gymnasiums_wrappers_take_them(mode: AutoresetMode) -> None:
    tables = WORLDS["fatigue"]
    ours: Any = SessionVectorEnv(LANES, tables=tables, autoreset_mode=mode, copy=False)
    theirs: Any = SyncVectorEnv([lambda: SessionEnv(tables=tables)] * LANES, autoreset_mode=mode)
    episodes = 0
    for envs in (ours, theirs):
        envs.reset(seed=1)
    ours, theirs = (DictInfoToList(RecordEpisodeStatistics(envs)) for envs in (ours, theirs))
    ours.reset(seed=1)
    theirs.reset(seed=1)
    for _ in range(60):
        ads = np.full(LANES, 1)
        for own, other in zip(ours.step(ads)[-1], theirs.step(ads)[-1], strict=True):
            if other["ad"] >= 0:
                assert {**own, "episode": 0} == {**other, "episode": 0} or "final_obs" in own
            else:
                assert own.keys() == other.keys() - {*OF_SLOT}
            assert ("episode" in own) == ("episode" in other)
            episodes += "episode" in own
    assert episodes > 5


def test_their_type_makes_another_of_them() -> None:
    """As Gymnasium's NumpyToTorch and its like do with every mapping."""
    infos, plain = ended_infos()
    made = type(infos)(**{key: value for key, value in infos.items() if key != "final_obs"})
    assert "speed" not in made
    with pytest.raises(KeyError):
        made["final_obs"]
    assert_equal({**made, "final_obs": plain["final_obs"], "_final_obs": plain["_final_obs"]}, plain)


def arrays_in(value: Any) -> list[NDArray[Any]]:
    """All arrays of numbers in nested tuples, mappings and arrays of objects."""
    if isinstance(value, np.ndarray) and value.dtype.kind != "O":
        return [value]
    parts = value.values() if isinstance(value, dict) else value if np.iterable(value) else ()
    return [array for part in parts for array in arrays_in(part)]


@both_modes
@pytest.mark.parametrize("name", ["everything watched", "fatigue"])
def test_no_two_arrays_that_are_returned_share_memory(name: str, mode: AutoresetMode) -> None:
    """A bug once: infos held the flags themselves, so that a client that wrote to them lost all terminations."""
    envs = SessionVectorEnv(LANES, tables=WORLDS[name], autoreset_mode=mode)
    given: list[NDArray[Any]] = []
    for method, arguments in calls(envs.tables, 15):
        given += arrays_in((*getattr(envs, method)(**arguments), arguments))
    own = [*envs._lanes, *envs.tables.packed, *envs.tables.arrays, *envs.state_arrays().values()]
    assert len(given) > 200
    for one, other in [*combinations(given, 2), *((array, mine) for array in given for mine in own)]:
        assert not np.shares_memory(one, other)


@both_modes
def test_a_client_that_writes_into_everything_changes_nothing_else(mode: AutoresetMode) -> None:
    kept, spoilt = (SessionVectorEnv(LANES, tables=WORLDS["everything watched"], autoreset_mode=mode) for _ in range(2))
    for method, arguments in calls(kept.tables, 60):
        expected = getattr(kept, method)(**copy.deepcopy(arguments))
        *arrays, infos = getattr(spoilt, method)(**arguments)
        for one, other in zip(arrays, expected, strict=False):
            np.testing.assert_array_equal(one, other)
        for array in arrays:
            array[...] = 1
        for key in [*expected[-1]]:  # one value after the other, each before the next is built
            assert_equal(infos[key], expected[-1][key])
            for array in arrays_in([infos[key]]):
                array[...] = 1


@both_modes
def test_the_trees_of_torch_go_into_infos_as_into_a_dict(mode: AutoresetMode) -> None:
    """TorchRL maps infos so; a subclass of dict is a leaf to torch until it is made known."""
    from torch.utils import _pytree as trees

    ours, theirs = (SessionVectorEnv(LANES, tables=WORLDS["fatigue"], autoreset_mode=mode) for _ in range(2))
    for envs in (ours, theirs):
        envs.reset(seed=1)
    for ad in range(60):
        infos, expected = (envs.step(np.full(LANES, ad % 7))[4] for envs in (ours, theirs))
        mapped = trees.tree_map(lambda leaf: leaf, infos)
        assert type(mapped) is dict
        assert list(mapped) == list(expected)
        assert_equal(mapped, dict(expected))

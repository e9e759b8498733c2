"""Vector form of ``preroll/Session-v0``: n parallel sessions, run natively by the kernel."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
from gymnasium import spaces
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from preroll.envs.abandonment import abandoned_at, watched
from preroll.envs.base import SessionEnvBase, new_observations, observation_space
from preroll.envs.kernel import layout, step
from preroll.envs.model.tables import Tables
from preroll.envs.scenario.scenario import Scenario
from preroll.envs.vector_state import Arrays, copy_state, write_state
from preroll.errors import PrerollError
from preroll.jit import direct
from preroll.perception.catalog.catalog import Catalog

Floats = NDArray[np.float32]


class _StepBuffers(NamedTuple):
    """Arrays that one step reads and writes, and the views of them that it returns."""

    arguments: tuple[Any, ...]  # of `kernel.step`, after `actions`
    returned: tuple[Floats, NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_]]
    infos: dict[str, Any]
    last_infos: dict[str, Any]  # returned where a session ended

    @classmethod
    def of(cls, tables: Tables, lanes: layout.State, n: int, same_step: bool) -> "_StepBuffers":
        """Allocates the buffers for a step of n lanes."""
        observations, results = new_observations(tables, n), layout.new_results(n)
        final = new_observations(tables, n if same_step else 0)
        reward, view_probability, expected_reward = results.values[:, :n]
        terminated, truncated, viewed, over = results.flags[:, :n]
        infos = {
            "video": results.shown[layout.SHOWN_VIDEO, :n],
            "category": results.shown[layout.SHOWN_CATEGORY, :n],
            "ad": results.ads,
            "viewed": viewed,
            "view_probability": view_probability,
            "expected_reward": expected_reward,
        }
        last_infos = {**infos, "final_obs": final, "_final_obs": over} if same_step else infos
        arguments = (*tables.packed, *lanes, same_step, observations, *results, final)
        return cls(arguments, (observations, reward, terminated, truncated), infos, last_infos)


class SessionVectorEnv(SessionEnvBase, VectorEnv[Floats, NDArray[np.int64], NDArray[Any]]):
    """Vector environment of n parallel user sessions.

    ``gym.make_vec("preroll/Session-v0", num_envs=n, vectorization_mode="vector_entry_point")`` creates one. Lane i
    reset with seed s is bit-identical to :class:`~preroll.envs.session.SessionEnv` reset with seed s + i, whatever the
    other lanes do. Spaces, rewards and episode ends are those of the single environment, batched.

    ``step`` returns float64 rewards [n] and bool flags [n]. Infos hold one array [n] for each of ``video``,
    ``category``, ``ad``, ``viewed``, ``view_probability`` and ``expected_reward``, always of the slot just played, and
    where the scenario has an abandonment curve also ``watched``, the fraction of the ad that was watched. Under
    SAME_STEP, infos of a step in which sessions ended also hold ``final_obs`` float32 [n, d], valid in the lanes of the
    mask ``_final_obs``.

    Args:
        num_envs: n, number of lanes.
        scenario: preset name, YAML file, mapping or :class:`Scenario`.
        catalog: name, folder or :class:`Catalog`.
        copy: whether every step returns new arrays, as in Gymnasium. ``False`` alternates between two sets of buffers:
            returned arrays remain valid for one further call to ``step``.
        autoreset_mode: NEXT_STEP (Gymnasium's default) or SAME_STEP; both play the same sessions.
        tables: a compiled scenario, instead of ``scenario`` and ``catalog``.
        render_mode: None; only the single environment renders.

    Raises:
        PrerollError: If ``num_envs`` is below 1, the autoreset mode is DISABLED or a render mode is set.

    Examples:
        >>> import numpy as np
        >>> from preroll.envs import SessionVectorEnv
        >>> envs = SessionVectorEnv(3, scenario="classic", catalog="demo")
        >>> observations, infos = envs.reset(seed=1)
        >>> observations, rewards, terminated, truncated, infos = envs.step(np.array([0, 2, 4]))
        >>> observations.shape, infos["viewed"], rewards
        ((3, 16), array([False,  True, False]), array([0., 1., 0.]))
    """

    metadata: dict[str, Any] = {"render_modes": [], "autoreset_mode": AutoresetMode.NEXT_STEP}  # noqa: RUF012

    _play: ClassVar[Any] = None  # machine code of `kernel.step`, looked up in the first step

    def __init__(
        self,
        num_envs: int = 1,
        scenario: str | Path | Mapping[str, Any] | Scenario = "classic",
        catalog: str | Path | Catalog = "demo",
        *,
        copy: bool = True,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        tables: Tables | None = None,
        render_mode: None = None,
    ) -> None:
        if render_mode is not None:
            raise PrerollError(f"render_mode: {render_mode!r}: only the single environment draws; None is allowed")
        mode = AutoresetMode(autoreset_mode)
        if mode is AutoresetMode.DISABLED:
            raise PrerollError("autoreset_mode: 'Disabled': only NextStep and SameStep are allowed")
        if num_envs < 1:
            raise PrerollError(f"num_envs: {num_envs}: at least 1 lane is needed")
        self.num_envs = num_envs
        self.render_mode = render_mode
        self.tables = tables or Tables.compile(scenario, catalog)
        self.metadata = {**self.metadata, "autoreset_mode": mode}
        self.single_observation_space = observation_space(self.tables)
        self.single_action_space = spaces.Discrete(self.tables.n_actions)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._abandons = bool(self.tables.scenario.user.abandonment)
        self._lanes = layout.new_lanes(num_envs)
        self._same_step = mode is AutoresetMode.SAME_STEP
        self._copy = copy
        self._buffers = self._new_buffers()

    def _new_buffers(self) -> list[_StepBuffers]:
        """Returns two sets of buffers that steps alternate between; none where every step allocates new ones."""
        return [] if self._copy else [self._new_buffer() for _ in range(2)]

    def _new_buffer(self) -> _StepBuffers:
        return _StepBuffers.of(self.tables, self._lanes, self.num_envs, self._same_step)

    def __getstate__(self) -> dict[str, Any]:
        """Returns the state to pickle; :meth:`__setstate__` allocates new step buffers.

        Pickled buffers would no longer share memory with the arrays that they are views of.
        """
        return {**self.__dict__, "_buffers": []}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._buffers = self._new_buffers()

    @property
    def sessions_started(self) -> NDArray[np.int64]:
        """Number of each lane's current session, int64 [n], counted from 0."""
        return np.asarray(self._lanes.state[layout.SESSION, : self.num_envs], dtype=np.int64)

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Floats, dict[str, Any]]:
        """Starts session 0 of the streams seed, seed + 1, …, or the next session of every lane if no seed is given.

        Args:
            seed: seed of lane 0, or a list with one seed per lane; lanes whose entry is None continue their stream.
                Without a seed, the first reset takes seeds from the operating system.
            options: ``{"reset_mask": bool [n]}`` resets only the lanes of the mask.

        Returns:
            observations: float32 [n, d], of all lanes.
            infos: ``video`` and ``category``, int32 [n] each.

        Raises:
            PrerollError: If a seed is negative, the list or mask does not fit the lanes, or the first reset is partial.
        """
        chosen = self._chosen(options)
        if self._np_random is None and len(chosen) < self.num_envs:
            raise PrerollError("reset_mask: the first reset should be of all lanes")
        seeds = self._seeds(seed)
        seeded = np.array([lane for lane in chosen if seeds[lane] is not None], dtype=np.int64)
        values = np.array([(seeds[lane] or 0) % 2**64 for lane in seeded], dtype=np.uint64)
        step.seed_lanes(self._lanes, seeded, values)
        step.start_next(self.tables.packed, self._lanes, chosen)
        observations = self._observe()
        video = self._lanes.state[layout.VIDEO, : self.num_envs].copy()
        return observations, {"video": video, "category": self.tables.category[video]}

    def skip_to(self, session: int) -> Floats:
        """Starts session number ``session`` of every lane's stream, counted from 0, as if those before had been played.

        Returns:
            Current observations of all lanes, float32 [n, d].

        Raises:
            PrerollError: If no session is running, or the number is out of range.

        Examples:
            >>> from preroll.envs import SessionVectorEnv
            >>> envs = SessionVectorEnv(3, scenario="classic", catalog="demo")
            >>> observations, infos = envs.reset(seed=1)
            >>> envs.skip_to(1000).shape, envs.sessions_started
            ((3, 16), array([1000, 1000, 1000]))
        """
        self._check_running("skip_to")
        most = np.iinfo(np.int32).max
        if not 0 <= session < most:
            raise PrerollError(f"session: {session}: a whole number from 0 to {most - 1:,} is expected")
        self._lanes.state[layout.SESSION, : self.num_envs] = session - 1
        return self.reset()[0]

    def _observe(self) -> Floats:
        observations = new_observations(self.tables, self.num_envs)
        step.observe(self.tables.packed, self._lanes, observations)
        return observations

    def state_arrays(self) -> Arrays:
        """Returns the whole state, on which all later steps depend, as new arrays by name.

        Raises:
            PrerollError: If no session is running.

        Examples:
            >>> import numpy as np
            >>> from preroll.envs import SessionVectorEnv
            >>> envs, others = (SessionVectorEnv(3, scenario="fatigue", catalog="demo") for _ in range(2))
            >>> observations, infos = envs.reset(seed=1)
            >>> observations = others.load_state(envs.state_arrays())
            >>> ads = np.array([0, 2, 4])
            >>> [bool((one == other).all()) for one, other in zip(envs.step(ads)[:4], others.step(ads)[:4])]
            [True, True, True, True]
        """
        self._check_running("state_arrays")
        return copy_state(self._lanes, self.num_envs)

    def load_state(self, arrays: Mapping[str, NDArray[Any]]) -> Floats:
        """Restores the state that :meth:`state_arrays` of an environment with the same tables and lanes returned.

        Later steps, resets without a seed included, are bit-identical to those of that environment. No reset is needed.

        Args:
            arrays: the state.

        Returns:
            Current observations of all lanes, float32 [n, d].

        Raises:
            PrerollError: If an array is missing, has another dtype or shape, or does not fit the tables; the state
                remains as it was.
        """
        write_state(self._lanes, arrays, self.tables, self.num_envs)
        # All random numbers derive from the lanes' keys; a generator only marks the environment as started.
        self.np_random = np.random.default_rng(0)
        return self._observe()

    def _check_running(self, method: str) -> None:
        if self._np_random is None:
            raise PrerollError(f"{method}: no session is running: call reset() first")

    def _chosen(self, options: dict[str, Any] | None) -> NDArray[np.int64]:
        """Returns the indices of the lanes to reset, int64."""
        mask = np.asarray((options or {}).get("reset_mask", np.ones(self.num_envs, np.bool_)))
        if mask.shape != (self.num_envs,) or mask.dtype != np.bool_:
            raise PrerollError(f"reset_mask: {mask.dtype} {mask.shape}: bool [{self.num_envs}] is expected")
        return np.flatnonzero(mask)

    def _seeds(self, seed: int | list[int | None] | None) -> list[int | None]:
        """Returns a seed for every lane that starts a new stream, and None for lanes that continue theirs.

        In the first reset, lanes without a seed get one from the operating system.
        """
        n = self.num_envs
        first = self._np_random is None
        if isinstance(seed, list):
            if len(seed) != n:
                raise PrerollError(
                    f"seed: a list of {len(seed)}: one seed, or None, for each of the {n} lanes is expected"
                )
            seeds = list(seed)
        else:
            seeds = [None if seed is None else int(seed) + lane for lane in range(n)]
        if any(own is not None and own < 0 for own in seeds):
            raise PrerollError(f"seed: {seed}: seeds should not be negative")
        number = None if isinstance(seed, list) else seed
        if first or number is not None:
            self._np_random, entropy = seeding.np_random(number)
            self._np_random_seed = entropy
            if first:
                seeds = [entropy + lane if own is None else own for lane, own in enumerate(seeds)]
        return seeds

    def step(
        self, actions: NDArray[np.int64]
    ) -> tuple[Floats, NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]]:
        """Plays one slot in every lane, showing ad ``actions[i]`` in lane i.

        Under NEXT_STEP, a lane whose session ended in the previous step starts its next session instead: its action is
        ignored and its reward is 0.

        Args:
            actions: indices of the ads, int [n].

        Returns:
            observations: float32 [n, d].
            rewards: float64 [n].
            terminated: bool [n], whether the user left.
            truncated: bool [n], whether the horizon was reached.
            infos: arrays [n] by name, see the class.

        Raises:
            PrerollError: If no session is running, ``actions`` has another shape or dtype, or an ad does not exist.
        """
        self._check_running("step")
        given = np.asarray(actions)
        if given.dtype.kind not in "iu":
            raise PrerollError(f"actions: {given.dtype}: integers are expected, the numbers of the ads")
        ads = np.ascontiguousarray(given, dtype=np.int64)
        if ads.shape != (self.num_envs,):
            raise PrerollError(f"actions: shape {ads.shape}: one ad for each of the {self.num_envs} lanes is expected")
        if self._buffers:
            buffer = self._buffers[0]
            self._buffers.reverse()
        else:
            buffer = self._new_buffer()
        abandoned = abandoned_at(self.tables.scenario, self._lanes, self.num_envs) if self._abandons else None
        if self._play is None:
            SessionVectorEnv._play = staticmethod(direct(step.step, ads, *buffer.arguments))
        ended = self._play(ads, *buffer.arguments)
        if ended < 0:
            raise PrerollError(f"actions: ads are numbered 0 to {self.tables.n_actions - 1}")
        infos = dict(buffer.last_infos if ended else buffer.infos)
        if abandoned is not None:
            infos["watched"] = watched(abandoned, infos["viewed"], ads, len(self.tables.ads))
        return *buffer.returned, infos

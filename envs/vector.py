"""Vector form of ``preroll/Session-v0``: n parallel sessions, run natively by the kernel."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar
from weakref import ref

import numpy as np
from gymnasium import spaces
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from preroll.envs.arguments import Seeds, ads_of, count_of, lanes_to_reset, limit_of, mode_of, seeds_of
from preroll.envs.base import SessionEnvBase, new_observations, no_settings, observation_space, tables_of
from preroll.envs.infos.abandonment import abandoned_at
from preroll.envs.infos.entries import of_resets
from preroll.envs.infos.lazy import Infos
from preroll.envs.infos.played import Played
from preroll.envs.infos.trees import make_known
from preroll.envs.kernel import layout, step
from preroll.envs.kernel.lanes import Lanes
from preroll.envs.lane_timelines import LaneTimelines
from preroll.envs.model.packing import limited
from preroll.envs.model.tables import Tables
from preroll.envs.rendering.render import MODES, check_mode
from preroll.envs.scenario.scenario import Scenario
from preroll.envs.vector_state import Arrays, copy_state, write_state
from preroll.errors import PrerollError
from preroll.jit import direct
from preroll.perception.catalog.catalog import Catalog

Floats = NDArray[np.float32]
INT64 = np.dtype(np.int64)


class SessionVectorEnv(SessionEnvBase, VectorEnv[Floats, NDArray[np.int64], NDArray[Any]]):
    """Vector environment of n parallel user sessions.

    ``gym.make_vec("preroll/Session-v0", num_envs=n, vectorization_mode="vector_entry_point")`` creates one. Lane i
    reset with seed s is bit-identical to :class:`~preroll.envs.session.SessionEnv` reset with seed s + i, whatever the
    other lanes do. Spaces, rewards and episode ends are those of the single environment, batched.

    ``step`` returns float64 rewards [n] and bool flags [n]. Infos are those of Gymnasium's SyncVectorEnv: an array [n]
    for each key of the single environment's info, and for each key a mask ``_key`` of the lanes that have it. A lane
    that starts a session tells ``video`` and ``category`` of its first slot, and has no others: ``ad`` is −1,
    ``viewed`` False, ``view_probability``, ``expected_reward`` and ``watched`` NaN, and their masks are False. Under
    SAME_STEP a lane whose session ended does so, and its last slot is in ``final_info``, a mapping of the same keys and
    masks, its last observation in ``final_obs``, an object array of float32 [d], or None. :attr:`played` holds the slot
    just played in all lanes, in both modes. For stable-baselines3, write ``PPO("MlpPolicy", PrerollVecEnv(64))``, with
    :class:`preroll.agents.PrerollVecEnv`.

    Args:
        num_envs: n, number of lanes.
        scenario: preset name, YAML file, mapping or :class:`Scenario`.
        catalog: name, folder or :class:`Catalog`.
        copy: whether every step returns new arrays, as in Gymnasium. ``False`` alternates between two sets of buffers:
            returned observations, rewards and flags remain valid for one further call to ``step``.
        autoreset_mode: NEXT_STEP (Gymnasium's default) or SAME_STEP; both play the same sessions.
        tables: a compiled scenario, instead of ``scenario`` and ``catalog``.
        render_mode: as of the single environment; :meth:`render` returns a frame for every lane.
        max_episode_steps: a session is truncated after so many slots, as by Gymnasium's TimeLimit; None or −1: after
            those of the scenario alone.

    Attributes:
        autoreset_mode: the mode.

    Raises:
        PrerollError: If ``num_envs`` or ``max_episode_steps`` is no whole number from 1, or the autoreset mode or the
            render mode is unknown.

    Examples:
        >>> import numpy as np
        >>> from preroll.envs import SessionVectorEnv
        >>> envs = SessionVectorEnv(3, scenario="classic", catalog="demo")
        >>> observations, infos = envs.reset(seed=1)
        >>> observations, rewards, terminated, truncated, infos = envs.step(np.array([0, 2, 4]))
        >>> observations.shape, infos["viewed"], rewards
        ((3, 16), array([False,  True, False]), array([0., 1., 0.]))
    """

    metadata: dict[str, Any] = {  # noqa: RUF012
        "render_modes": list(MODES),
        "render_fps": 4,
        "autoreset_mode": AutoresetMode.NEXT_STEP,
    }

    _play: ClassVar[Any] = None  # machine code of `kernel.step`, looked up in the first reset

    def __init__(
        self,
        num_envs: int = 1,
        scenario: str | Path | Mapping[str, Any] | Scenario = "classic",
        catalog: str | Path | Catalog = "demo",
        *,
        copy: bool = True,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        tables: Tables | None = None,
        render_mode: str | None = None,
        max_episode_steps: int | None = None,
    ) -> None:
        check_mode(render_mode)
        no_settings("num_envs", num_envs)
        self.num_envs = num_envs = count_of("num_envs", num_envs, "at least 1 lane is needed")
        self.render_mode = render_mode
        self.tables = tables_of(scenario, catalog, tables)
        self._limit = limit_of(max_episode_steps)
        self._limited = limited(self._packed, self._limit) if self._limit else None
        self._timelines = LaneTimelines(self.tables, num_envs, render_mode) if render_mode else None
        self.autoreset_mode = mode = mode_of(autoreset_mode)
        self.metadata = {**self.metadata, "autoreset_mode": mode}
        self.single_observation_space = observation_space(self.tables)
        self.single_action_space = spaces.Discrete(self.tables.n_actions)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._abandons = bool(self.tables.scenario.user.abandonment)
        self._lanes = Lanes.new(num_envs)
        self._same_step = mode is AutoresetMode.SAME_STEP
        self._copy = copy
        self._extras = self._abandons or self._limit is not None or self._timelines is not None
        self._buffers = self._new_buffers()
        self._played: Played | None = None

    def _new_buffers(self) -> list[Played]:
        """Returns two sets of buffers that steps alternate between; none where every step allocates new ones."""
        return [] if self._copy else [self._new_buffer() for _ in range(2)]

    def _new_buffer(self) -> Played:
        packed = self._limited or self._packed
        return Played(self.tables, packed, self._lanes, self._same_step)

    def __getstate__(self) -> dict[str, Any]:
        """Returns the state to pickle; :meth:`__setstate__` allocates new step buffers.

        Pickled buffers would no longer share memory with the arrays that they are views of.
        """
        return {**super().__getstate__(), "_buffers": [], "_played": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._buffers = self._new_buffers()

    @property
    def sessions_started(self) -> NDArray[np.int64]:
        """Number of each lane's current session, int64 [n], counted from 0."""
        return self._lanes.read(layout.SESSION).astype(np.int64)

    @property
    def played(self) -> Played:
        """Slot that the last step played in every lane.

        A copy and a pickle of the environment begin without one.

        Raises:
            PrerollError: If no step was made.
        """
        if self._played is None:
            raise PrerollError("played: no slot was played: call step() first")
        return self._played

    def reset(
        self, *, seed: Seeds | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Floats, dict[str, Any]]:
        """Starts session 0 of the streams seed, seed + 1, …, or the next session of every lane if no seed is given.

        Args:
            seed: seed of lane 0, or a list, tuple or array with one seed per lane; lanes whose entry is None continue
                their stream. Without a seed, the first reset takes one from the operating system, or draws it from
                ``np_random`` where that was set.
            options: ``{"reset_mask": bool [n]}`` resets only the lanes of the mask.

        Returns:
            observations: float32 [n, d], of all lanes.
            infos: arrays [n] by key, see the class; 0 in lanes outside the mask.

        Raises:
            PrerollError: If a seed is negative, the list or mask does not fit the lanes, no lane is to be reset, or the
                first reset is partial.
        """
        make_known()  # here, since a client is loaded by now, and a step has no time for it
        chosen = lanes_to_reset(options, self.num_envs)
        if not self._running and len(chosen) < self.num_envs:
            raise PrerollError("reset_mask: the first reset should be of all lanes")
        seeds = self._seeds(seed, chosen)
        seeded = np.array([lane for lane in chosen if seeds[lane] is not None], dtype=np.int64)
        values = np.array([(seeds[lane] or 0) % 2**64 for lane in seeded], dtype=np.uint64)
        self._lanes.seed(seeded, values)
        observations = self._start(chosen)
        self._running = True
        if self._timelines is not None:
            self._timelines.start(self._lanes, chosen)
        video = self._lanes.read(layout.VIDEO)
        return observations, of_resets(video, self.tables.category[video], chosen, self._abandons)

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
        self._lanes.write(layout.SESSION, slice(self.num_envs), session - 1)
        return self.reset()[0]

    def _start(self, chosen: NDArray[np.int64]) -> Floats:
        """Starts the next session of the ``chosen`` lanes; returns the observations of all."""
        starts, observations = np.zeros(self.num_envs, np.int64), new_observations(self.tables, self.num_envs)
        starts[chosen] = 1
        others = layout.new_results(0), observations.reshape(-1), np.empty(0, np.float32)
        arguments = (starts, *self._packed, self._lanes.words, *others, True)
        if self._play is None:
            SessionVectorEnv._play = staticmethod(direct(step.step, *arguments))
        self._play(*arguments)
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
        return copy_state(self._lanes)

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
        write_state(self._lanes, arrays, self.tables)
        # All random numbers derive from the lanes' keys; their seeds are not known, which Gymnasium writes as -1.
        self.np_random, self._running = np.random.default_rng(0), True
        if self._timelines is not None:
            self._timelines.start(self._lanes, range(self.num_envs))
        return self._start(np.empty(0, np.int64))

    def _check_running(self, method: str) -> None:
        if not self._running:
            raise PrerollError(f"{method}: no session is running: call reset() first")

    def _seeds(self, seed: Seeds | None, chosen: NDArray[np.int64]) -> list[int | None]:
        """Returns a seed for every lane that starts a new stream, and None for lanes that continue theirs.

        ``np_random_seed`` is then the seed of lane 0 where one seed was given for all, else a tuple with that of every
        lane. In the first reset, lanes without a seed get one.
        """
        n, given = self.num_envs, seeds_of(seed, self.num_envs)
        if not self._running and (given is None or (isinstance(given, list) and None in given)):
            drawn = self._drawn_seed()
            given = drawn if given is None else [drawn + lane if own is None else own for lane, own in enumerate(given)]
        if given is None:
            return [None] * n
        seeds: list[int | None] = list(given) if isinstance(given, list) else [given + lane for lane in range(n)]
        if seed is not None and (self._np_random is None or not isinstance(given, list)):
            self._np_random, _ = seeding.np_random(seeds[0])
        one = not isinstance(given, list) and len(chosen) == n
        self._np_random_seed = given if one else self._lane_seeds(seeds, chosen)
        return seeds

    def _lane_seeds(self, seeds: list[int | None], chosen: NDArray[np.int64]) -> tuple[int, ...]:
        """Returns the seed of every lane's stream once the chosen ones are seeded; −1 where it is not known."""
        told = self._np_random_seed
        if not isinstance(told, tuple):
            told = [-1 if told is None or told < 0 else told + lane for lane in range(self.num_envs)]
        after = list(told)
        for lane in chosen:
            after[lane] = told[lane] if seeds[lane] is None else seeds[lane]
        return tuple(after)

    def step(
        self, actions: NDArray[np.int64]
    ) -> tuple[Floats, NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], Infos]:
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
            infos: arrays [n] by key, see the class, built when they are read.

        Raises:
            PrerollError: If no session is running, ``actions`` has another shape or dtype, or an ad does not exist.
        """
        if not self._running:
            self._check_running("step")
        # What most callers pass needs none of the conversions, which would take as long as a step of a few lanes.
        right = type(actions) is np.ndarray and actions.dtype == INT64 and actions.strides == (8,)
        ads = actions if right and len(actions) == self.num_envs else ads_of(actions, self.num_envs)
        played = self._buffers[0] if self._buffers else self._new_buffer()
        if (unread := played.given()) is not None:
            unread.complete()  # before this step writes over what they are made of
        last = self._prepare(played) if self._extras else None
        ended = self._play(ads, *played.arguments)
        if ended < 0:
            raise PrerollError(f"actions: ads are numbered 0 to {self.tables.n_actions - 1}")
        played.ended, self._played = ended, played
        infos = Infos()
        infos.source = played
        if self._extras:
            self._finish(played, last)
        if self._copy:
            return *played.release(), infos
        played.given = ref(infos)
        self._buffers.reverse()
        return *played.returned, infos

    def _prepare(self, played: Played) -> NDArray[np.bool_] | None:
        """Draws where ads will be abandoned; returns the lanes whose coming slot is the last in the time limit, if any.

        This and :meth:`_finish` serve what few environments have.
        """
        if self._abandons:
            played.abandoned = abandoned_at(self.tables.scenario, self._lanes)
        if self._limit is None:
            return None
        return np.asarray(self._lanes.read(layout.SLOT) + 1 == self._limit)

    def _finish(self, played: Played, last: NDArray[np.bool_] | None) -> None:
        if last is not None:
            played.truncate(last)
        if self._timelines is not None:
            self._timelines.add(self._lanes, played)

    def render(self) -> tuple[str | NDArray[np.uint8], ...] | None:
        """Returns the frame of every lane, as SyncVectorEnv does; None without a render mode.

        Gymnasium's vector ``RecordVideo`` and stable-baselines3 tile pictures into a grid.

        Raises:
            PrerollError: If no session was started.
        """
        return None if self._timelines is None else self._timelines.frames()

"""Session-v0 for one user: the single environment on the kernel."""

import operator
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from preroll.envs.abandonment import abandoned_at, watched
from preroll.envs.base import SessionEnvBase, new_observations, observation_space
from preroll.envs.kernel import layout, step
from preroll.envs.model.tables import Tables
from preroll.envs.rendering.render import MODES, check_mode, render
from preroll.envs.rendering.timeline import Timeline
from preroll.envs.scenario.scenario import Scenario
from preroll.errors import PrerollError
from preroll.jit import direct
from preroll.perception.catalog.catalog import Catalog

Floats = NDArray[np.float32]


class SessionEnv(SessionEnvBase, gym.Env[Floats, np.int64]):
    """One user's visit to a video platform; the agent chooses the ad of every slot.

    ## Action Space
    ``Discrete(A)``: the ads of the scenario in the order of its file; the last action leaves the slot empty where the
    scenario allows it. ``env.unwrapped.spec.labels`` names them.

    ## Observation Space
    ``Box(0, 1, (d,), float32)`` made of named parts: ``env.unwrapped.observation_parts``.

    ## Rewards
    The ad's reward if the user views it, else 0.

    ## Starting State
    A first video, drawn uniformly; fatigue 0; no ad shown yet.

    ## Episode End
    ``terminated``: the user left. ``truncated``: the horizon of the scenario was reached.

    ## Information
    ``video``, ``category``, ``ad``, ``viewed``, ``view_probability``, ``expected_reward`` of the slot just
    played, and where the scenario has an abandonment curve ``watched``, the fraction of the ad that was watched;
    after a reset ``video`` and ``category``.

    ## Arguments
    ``scenario``: preset name, YAML file, mapping or :class:`Scenario`. ``catalog``: name, folder or :class:`Catalog`.
    ``tables``: a compiled scenario instead of both. ``render_mode``: None, ``ansi`` (a line of text for every slot) or
    ``rgb_array`` (a timeline of the session, uint8 [360, 640, 3]).

    A session depends only on (seed, session number, ads shown): resets without a seed go on to the next session.
    """

    metadata: dict[str, Any] = {"render_modes": list(MODES), "render_fps": 4}  # noqa: RUF012

    _play: ClassVar[Any] = None  # `kernel.step` as machine code, from the first step on

    def __init__(
        self,
        scenario: str | Path | Mapping[str, Any] | Scenario = "classic",
        catalog: str | Path | Catalog = "demo",
        *,
        tables: Tables | None = None,
        render_mode: str | None = None,
    ) -> None:
        self.tables = tables or Tables.compile(scenario, catalog)
        self.render_mode = render_mode
        check_mode(render_mode)
        self._timeline = Timeline(self.tables) if render_mode else None
        self.observation_space = observation_space(self.tables)
        self.action_space = spaces.Discrete(self.tables.n_actions)
        self._abandons = bool(self.tables.scenario.user.abandonment)
        self._lanes = layout.new_lanes(1)
        self._lane = np.zeros(1, np.int64)
        self._ad = np.zeros(1, np.int64)
        self._outcome = layout.new_results(1)
        self._final = new_observations(self.tables, 0)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Floats, dict[str, Any]]:
        """Starts session 0 of the user stream ``seed``, or without a seed the next session."""
        first = self._np_random is None
        super().reset(seed=seed)
        if seed is not None or first:
            chosen = self.np_random_seed if seed is None else seed
            step.seed_lanes(self._lanes, self._lane, np.array([chosen % 2**64], dtype=np.uint64))
        step.start_next(self.tables.packed, self._lanes, self._lane)
        observation = new_observations(self.tables, 1)
        step.observe(self.tables.packed, self._lanes, observation)
        video = int(self._lanes.state[layout.VIDEO, 0])
        if self._timeline is not None:
            self._timeline.start(self._lanes.state[layout.SESSION, 0], video)
        return observation[0], {"video": video, "category": int(self.tables.category[video])}

    def step(self, action: np.int64 | int) -> tuple[Floats, float, bool, bool, dict[str, Any]]:
        """Shows ad ``action`` in the slot and gives what the user did.

        Raises:
            PrerollError: the ad does not exist, or the session is over and was not reset.
        """
        if self._lanes.state[layout.ENDED, 0] or self._np_random is None:
            raise PrerollError("step: no session is running: call reset() first")
        try:
            self._ad[0] = operator.index(action)
        except (TypeError, OverflowError):
            raise PrerollError(f"action {action!r}: ads are numbered 0 to {self.tables.n_actions - 1}") from None
        abandoned = abandoned_at(self.tables.scenario, self._lanes, 1) if self._abandons else None
        observation, outcome = new_observations(self.tables, 1), self._outcome
        arguments = (self._ad, *self.tables.packed, *self._lanes, False, observation, *outcome, self._final)
        if self._play is None:
            SessionEnv._play = staticmethod(direct(step.step, *arguments))
        ended = self._play(*arguments)
        if ended < 0:
            raise PrerollError(f"action {action!r}: ads are numbered 0 to {self.tables.n_actions - 1}")
        reward, p, expected = outcome.values[:, 0].tolist()
        terminated, truncated, viewed, _ = outcome.flags[:, 0].tolist()
        video, category = outcome.shown[:, 0].tolist()
        info = {
            "video": video,
            "category": category,
            "ad": int(action),
            "viewed": viewed,
            "view_probability": p,
            "expected_reward": expected,
        }
        if abandoned is not None:
            info["watched"] = float(watched(abandoned, np.array([viewed]), self._ad, len(self.tables.ads))[0])
        if self._timeline is not None:
            state = self._lanes.state[:, 0]
            self._timeline.add(
                info, reward, terminated, state[layout.USER_STATE] % self.tables.n_levels, state[layout.VIDEO]
            )
        return observation[0], reward, terminated, truncated, info

    def render(self) -> str | NDArray[np.uint8] | None:
        """The slot just played as a line of text, the session so far as a picture, or None without a render mode."""
        if self._timeline is None or self.render_mode is None:
            return None
        return render(self._timeline, self.render_mode)

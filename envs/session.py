"""Gymnasium environment ``preroll/Session-v0``: one user session, run by the kernel."""

import operator
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from preroll.envs.arguments import whole
from preroll.envs.base import SessionEnvBase, observation_space, tables_of
from preroll.envs.infos.abandonment import abandoned_at, watched
from preroll.envs.infos.entries import of_reset
from preroll.envs.kernel import layout, step
from preroll.envs.kernel.lanes import Lanes
from preroll.envs.model.tables import Tables
from preroll.envs.rendering.render import MODES, check_mode, render
from preroll.envs.rendering.timeline import Timeline
from preroll.envs.scenario.scenario import Scenario
from preroll.errors import PrerollError
from preroll.perception.catalog.catalog import Catalog
from preroll.tiered import Tiered

Floats = NDArray[np.float32]
PLAY = Tiered(step.step)
KEYS = "1234567890abcdefghijklmnopqrstuvwxyz"  # of `gymnasium.utils.play`


class SessionEnv(SessionEnvBase, gym.Env[Floats, np.int64]):
    """One user's visit to a video platform; the agent chooses the ad of every slot.

    A session depends only on (seed, session number, ads shown). A reset with a seed starts session 0 of that user
    stream; a reset without a seed starts the next session of the stream.

    ## Action Space
    ``Discrete(A)``: the ads in the order of the scenario file. Where the scenario allows it, the last action leaves the
    slot empty. ``env.unwrapped.session_spec.labels`` holds the name of every action.

    ## Observation Space
    ``Box(0, 1, (d,), float32)``, composed of named parts. ``env.unwrapped.observation_parts`` maps each name to its
    slice, unit and meaning.

    ## Rewards
    The ad's reward if the user views it, else 0. Where the scenario sets ``recall_weight``, a view also pays
    ``recall_weight`` times the memorability of the video.

    ## Starting State
    The first video is drawn uniformly from the catalog; fatigue is 0 and no ad has been shown. Where the scenario has
    segments, the user's segment is drawn by their shares.

    ## Episode End
    1. Termination: the user leaves.
    2. Truncation: the horizon of the scenario is reached.

    ## Information
    ``step`` returns, for the slot just played, and ``reset`` for the slot that follows, of which nothing but ``video``
    and ``category`` is known:

    | key | type | meaning | at a reset |
    |---|---|---|---|
    | ``video`` | int | index of the video in the catalog | |
    | ``category`` | int | category of the video; -1 if unknown | |
    | ``ad`` | int | the action | -1 |
    | ``viewed`` | bool | whether the ad was viewed | False |
    | ``view_probability`` | float | P(view) of the ad | NaN |
    | ``expected_reward`` | float | P(view) times the reward of a view | NaN |
    | ``watched`` | float | fraction watched of the ad; only where the scenario has an abandonment curve | NaN |

    ## Arguments
    | parameter | type | default | meaning |
    |---|---|---|---|
    | ``scenario`` | str, Path, mapping, :class:`Scenario` | ``"classic"`` | preset name, YAML file, values or object |
    | ``catalog`` | str, Path, :class:`Catalog` | ``"demo"`` | name, folder or object |
    | ``tables`` | :class:`Tables` | None | a compiled scenario, instead of ``scenario`` and ``catalog`` |
    | ``render_mode`` | str | None | ``"ansi"``: text, by slot; ``"rgb_array"``: timeline, uint8 [360, 640, 3] |

    ## Examples
    >>> import gymnasium as gym
    >>> import preroll
    >>> env = gym.make("preroll/Session-v0", scenario="fatigue", catalog="demo")
    >>> observation, info = env.reset(seed=4)
    >>> revenue, terminated, truncated = 0.0, False, False
    >>> while not (terminated or truncated):
    ...     observation, reward, terminated, truncated, info = env.step(0)
    ...     revenue += reward
    >>> env.unwrapped.session_spec.labels[0], revenue, terminated
    ('cats.short', 7.0, True)

    ## References
    * S. S. Krishnan and R. K. Sitaraman, "Understanding the Effectiveness of Video Ads: A Measurement Study", IMC 2013:
      the view rates by position and the abandonment curve of the preset ``published``.
    * J. K. Salmon, M. A. Moraes, R. O. Dror and D. E. Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011:
      counter-based random numbers.
    * G. L. Steele, D. Lea and C. H. Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014: SplitMix64,
      whose finaliser (Stafford's variant 13) hashes every random number.

    ## Version History
    * v0: initial version.
    """

    metadata: dict[str, Any] = {"render_modes": list(MODES), "render_fps": 4}  # noqa: RUF012

    def __init__(
        self,
        scenario: str | Path | Mapping[str, Any] | Scenario = "classic",
        catalog: str | Path | Catalog = "demo",
        *,
        tables: Tables | None = None,
        render_mode: str | None = None,
    ) -> None:
        self.tables = tables_of(scenario, catalog, tables)
        self.render_mode = render_mode
        check_mode(render_mode)
        self._timeline = Timeline(self.tables) if render_mode else None
        self.observation_space = observation_space(self.tables)
        self.action_space = spaces.Discrete(self.tables.n_actions)
        self._abandons = bool(self.tables.scenario.user.abandonment)
        self._lanes = Lanes.new(1)
        self._action = np.zeros(1, np.int64)
        self._final = np.empty(0, np.float32)
        self._over = False
        self._new_results()

    def _new_results(self) -> None:
        self._results = layout.new_results(1)
        self._told = [layout.result(self._results, name, 1) for name in layout.RESULTS]

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._new_results()  # of what was pickled, the one would no longer be a view of the other

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Floats, dict[str, Any]]:
        """Starts session 0 of the user stream ``seed``, or the next session if no seed is given.

        Args:
            seed: seed of the user stream. Without one, the first reset takes a seed from the operating system, or draws
                it from ``np_random`` where that was set.
            options: ignored.

        Returns:
            observation: float32 [d].
            info: ``video`` and ``category`` of the first slot, see Information above.

        Raises:
            PrerollError: If the seed is no whole number.
        """
        if seed is not None or not self._running:
            if seed is None:
                seed = self._drawn_seed()
            else:
                super().reset(seed=(seed := whole(seed)))
            self._lanes.seed(np.zeros(1, np.int64), np.array([seed % 2**64], dtype=np.uint64))
            self._running = True
        self._action[0], self._over = 1, False
        observation, _ = self._advance(starts=True)
        video = self._lanes.read(layout.VIDEO).item()
        if self._timeline is not None:
            self._timeline.start(self._lanes.read(layout.SESSION).item(), video)
        return observation, of_reset(video, int(self.tables.category[video]), self._abandons)

    def step(self, action: np.int64 | int) -> tuple[Floats, float, bool, bool, dict[str, Any]]:
        """Shows ad ``action`` in the current slot and returns the user's response.

        Args:
            action: index of the ad, 0 … A - 1.

        Returns:
            observation: float32 [d]; of the next slot, or the last one of an ended session.
            reward: reward of a view, else 0.
            terminated: whether the user left.
            truncated: whether the horizon was reached.
            info: the slot just played, see Information above.

        Raises:
            PrerollError: If the ad does not exist, or the session has ended and was not reset.
        """
        if self._over or not self._running:
            raise PrerollError("step: no session is running: call reset() first")
        try:
            self._action[0] = operator.index(action)
        except (TypeError, OverflowError):
            raise PrerollError(f"action {action!r}: ads are numbered 0 to {self.tables.n_actions - 1}") from None
        abandoned = abandoned_at(self.tables.scenario, self._lanes) if self._abandons else None
        observation, ended = self._advance(starts=False)
        if ended < 0:
            raise PrerollError(f"action {action!r}: ads are numbered 0 to {self.tables.n_actions - 1}")
        self._over = ended > 0
        reward, terminated, truncated, code, video, _, _ = [row.item() for row in self._told]
        answer, viewed = code >> layout.LINE, code & 1 > 0
        p = self._answers.item(answer, layout.LIKELY + (code >> 1 & 1))
        info = {
            "video": video,
            "category": self._packed.records.item(video, layout.CATEGORY),
            "ad": int(action),
            "viewed": viewed,
            "view_probability": p,
            "expected_reward": p * self._answers.item(answer, layout.PAY),
        }
        if abandoned is not None:
            info["watched"] = float(watched(abandoned, np.array([viewed]), self._action, len(self.tables.ads))[0])
        if self._timeline is not None:
            user_state, following = (self._lanes.read(row)[0] for row in (layout.USER_STATE, layout.VIDEO))
            self._timeline.add(info, reward, terminated, user_state % self.tables.n_levels, following)
        return observation, reward, terminated, truncated, info

    def _advance(self, starts: bool) -> tuple[Floats, int]:
        """Plays a slot or starts a session; returns a new observation, and how many sessions ended."""
        observation = np.empty(self.tables.layout.size, np.float32)
        arguments = (self._action, *self._packed, self._lanes.words, self._results, observation, self._final, starts)
        return observation, PLAY.call(*arguments)

    def get_keys_to_action(self) -> dict[tuple[int, ...], int]:
        """Returns the key of every action for ``gymnasium.utils.play``: 1 to 9, 0, then the letters."""
        return {(ord(key),): action for action, key in enumerate(KEYS[: self.tables.n_actions])}

    def render(self) -> str | NDArray[np.uint8] | None:
        """Returns the current frame in the render mode of the environment, or None without one.

        Returns:
            ``ansi``: the slot just played as a line of text. ``rgb_array``: the session so far, uint8 [360, 640, 3].

        Raises:
            PrerollError: If no session was started.
        """
        if self._timeline is None or self.render_mode is None:
            return None
        return render(self._timeline, self.render_mode)

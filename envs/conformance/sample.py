"""Sample of many sessions with random ads, in which each slot is compared with the tables.

What an environment returns is compared with what follows from the tables and from earlier observations: fatigue is
recomputed, P(view) and P(leave) are looked up, and hidden segments are identified by the probabilities that they imply.
"""

from collections import defaultdict
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from preroll.envs.conformance.subject import EnvUnderTest
from preroll.envs.infos.entries import of_slots
from preroll.envs.kernel import layout

SAME = 1e-12  # tolerance of products of the same probabilities, multiplied in another order; of money, per reward

Numbers = NDArray[Any]


class SessionSample:
    """Slots of many lanes, in order of time.

    Attributes:
        subject: the environment under test.
        played: by name, one value per slot played, over all steps and lanes: phase, category, ad, viewed, p (P(view) by
            the tables), hazard (P(leave) by the tables, NaN where hidden segments differ), hazard_low, hazard_high,
            terminated, truncated, slot.
        moves: by name, one value per move between videos within a session: phase, start, end.
        first_videos: first video of every session started, int.
        low: smallest value seen of every entry of the observation, float [d].
        high: largest value seen of every entry of the observation, float [d].
        wrong: first error of each kind, by the name of the wrong value.
    """

    def __init__(self, subject: EnvUnderTest) -> None:
        self.subject, self.tables = subject, subject.tables
        self.arrays = subject.tables.arrays
        # Enough sessions per lane for the last phase of drift to make up a third of the sample, if `slots` permits it.
        n_sessions = max(2, round(1.5 * float(self.arrays.phase_start[-1])))
        self.n = max(4, min(2048, subject.slots // (n_sessions * self.tables.n_slots)))
        self.n_steps = max(2 * self.tables.n_slots, subject.slots // self.n)
        self.low = np.full(self.tables.layout.size, np.inf)
        self.high = np.full(self.tables.layout.size, -np.inf)
        self.wrong: dict[str, str] = {}
        self._parts: dict[str, list[Numbers]] = defaultdict(list)
        self._state = _Counted(self.n, self.tables.n_segments)
        self._play()
        joined = {name: np.concatenate(parts) for name, parts in self._parts.items()}
        self.first_videos = joined.pop("first")
        self.moves = {name: joined.pop(f"move_{name}") for name in ("phase", "start", "end")}
        self.played = joined

    def _play(self) -> None:
        envs = self.subject.vector(self.n, AutoresetMode.SAME_STEP)
        rng = np.random.default_rng([self.subject.seed, 3])
        observations, _ = envs.reset(seed=self.subject.seed)
        for _ in range(self.n_steps):
            self._see(observations)
            ads = rng.integers(0, self.tables.n_actions, self.n)
            before = observations
            observations, rewards, terminated, truncated, infos = envs.step(ads)
            told = of_slots(infos)
            video = np.asarray(told["video"]).astype(np.int64)
            self._follow(video)
            self._compare(before, video, "observation")
            self._look_up(ads, rewards, terminated, truncated, told)
            over = terminated | truncated
            if over.any():
                final = before.copy()
                final[over] = np.stack(infos["final_obs"][over])
                self._see(final[over])
                self._compare(final, None, "final observation", over)
            self._state.end(over)

    def _see(self, observations: Numbers) -> None:
        self.low = np.minimum(self.low, observations.min(axis=0))
        self.high = np.maximum(self.high, observations.max(axis=0))

    def _follow(self, video: Numbers) -> None:
        """Records how each lane came to its video."""
        state = self._state
        fresh = state.slot == 0
        moved = ~fresh & (state.slot % len(self.tables.scenario.session.slots) == 0)
        stayed = ~fresh & ~moved
        self._require("video", ~stayed | (video == state.video), "changed between two slots of one video")
        self._parts["first"].append(video[fresh])
        self._parts["move_phase"].append(self.arrays.phase_of(state.session)[moved])
        self._parts["move_start"].append(state.video[moved])
        self._parts["move_end"].append(video[moved])
        state.video = video

    def _compare(self, observed: Numbers, video: Numbers | None, what: str, lanes: Numbers | None = None) -> None:
        """Compares observations with the recomputed state.

        Args:
            observed: observations, float32 [n, d].
            video: video of every lane; None for final observations, whose parts of the video are not compared.
            what: name of the observations in error messages.
            lanes: mask of the lanes to compare; all by default.
        """
        parts, state, rows = self.tables.layout.parts, self._state, np.arange(self.n)
        expected = observed.copy() if video is None else self.arrays.rows[video].copy()
        if "progress" in parts:
            expected[:, parts["progress"].start] = state.slot / self.tables.n_slots
        if "last_view" in parts:
            expected[:, parts["last_view"].start] = state.last_view
        position = state.slot % len(self.tables.scenario.session.slots)
        for name, value in (("fatigue", state.fatigue), ("last_ad", state.last_ad), ("position", position)):
            if name in parts:
                expected[:, parts[name].slice] = 0
                known = value >= 0
                expected[rows[known], parts[name].start + value[known]] = 1
        if "segment" in parts:
            shown = observed[:, parts["segment"].slice] == 1
            state.possible &= shown if video is not None else True
            expected[:, parts["segment"].slice] = state.possible & (state.possible.sum(axis=1, keepdims=True) == 1)
        for name, part in parts.items():
            equal = (observed[:, part.slice] == expected[:, part.slice]).all(axis=1)
            self._require(f"{what}: {name}", equal if lanes is None else equal | ~lanes, "is not what happened")

    def _look_up(self, ads: Numbers, rewards: Numbers, terminated: Numbers, truncated: Numbers, infos: Any) -> None:
        """Compares the outcome of a slot with the tables, records it, and advances the recomputed state."""
        arrays, state = self.arrays, self._state
        phase, video, category = arrays.phase_of(state.session), state.video, self.tables.category[state.video]
        position = state.slot % len(self.tables.scenario.session.slots)
        kind = self.tables.kind[video]
        match = arrays.match[phase, kind, ads]
        repeat = np.where(ads == state.last_ad, arrays.choice[phase, layout.REPEAT], 1.0)
        by_segment = arrays.base[phase, :, position, state.fatigue, ads] * (match * repeat)[:, None]
        claimed = np.asarray(infos["view_probability"])
        p = state.narrow(np.minimum(by_segment, 1.0), claimed)
        viewed = np.asarray(infos["viewed"]).astype(np.int64)
        tired = np.clip(state.fatigue + arrays.gain[phase, ads, viewed], 0, self.tables.n_levels - 1)
        hazards = arrays.hazard[phase, :, ads, viewed, tired]
        low = np.where(state.possible, hazards, np.inf).min(axis=1)
        high = np.where(state.possible, hazards, -np.inf).max(axis=1)
        reward = arrays.reward[phase, kind, ads]
        self._require("info view_probability", np.abs(claimed - p) <= SAME, "is not the tables'")
        self._require(
            "info expected_reward", np.abs(infos["expected_reward"] - reward * p) <= 2 * SAME * reward, "is wrong"
        )
        self._require("reward", rewards == reward * viewed, "is not the ad's reward for a view, or 0")
        for name, value in (("category", category), ("ad", ads)):
            self._require(f"info {name}", infos[name] == value, "is not what happened")
        last = state.slot == self.tables.n_slots - 1
        self._require("truncated", truncated == (last & ~terminated), "is not: the last slot, and the user stayed")
        self._record(
            phase=phase, category=category, ad=ads, viewed=viewed, p=p, slot=state.slot, hazard_low=low,
            hazard_high=high, hazard=np.where(low == high, low, np.nan), terminated=terminated, truncated=truncated,
        )  # fmt: skip
        state.advance(ads, viewed, tired)

    def _record(self, **columns: Numbers) -> None:
        for name, values in columns.items():
            self._parts[name].append(np.array(values))

    def _require(self, name: str, holds: Numbers, what: str) -> None:
        """Records the first lane in which a condition does not hold."""
        if not holds.all() and name not in self.wrong:
            lane = int(np.flatnonzero(~holds)[0])
            where = f"session {self._state.session[lane]} of lane {lane}, slot {self._state.slot[lane] + 1}"
            self.wrong[name] = f"{name} {what} ({where})"


class _Counted:
    """State of n sessions recomputed from what was returned, int [n] each; ``possible`` segments are bool [n, U]."""

    def __init__(self, n: int, n_segments: int) -> None:
        self.session, self.slot, self.fatigue, self.last_view = np.zeros((4, n), dtype=np.int64)
        self.last_ad, self.video = np.full((2, n), -1, dtype=np.int64)
        self.possible = np.ones((n, n_segments), dtype=np.bool_)

    def narrow(self, by_segment: NDArray[np.float64], claimed: NDArray[np.float64]) -> NDArray[np.float64]:
        """Excludes segments whose P(view) is not the claimed one; returns P(view) of the remaining ones."""
        fits = self.possible & (np.abs(by_segment - claimed[:, None]) <= SAME)
        self.possible = np.where(fits.any(axis=1, keepdims=True), fits, self.possible)
        first = self.possible.argmax(axis=1)
        return np.asarray(by_segment[np.arange(len(first)), first])

    def advance(self, ads: Numbers, viewed: Numbers, fatigue: Numbers) -> None:
        """Advances the state by one slot."""
        self.slot, self.last_ad, self.last_view, self.fatigue = self.slot + 1, ads, viewed, fatigue

    def end(self, over: NDArray[np.bool_]) -> None:
        """Starts new sessions in the lanes of ``over``."""
        self.session = self.session + over
        self.slot, self.fatigue, self.last_view = (
            np.where(over, 0, value) for value in (self.slot, self.fatigue, self.last_view)
        )
        self.last_ad = np.where(over, -1, self.last_ad)
        self.possible = self.possible | over[:, None]

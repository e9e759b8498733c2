"""Decoding of the state of a session from an observation."""

import numpy as np
from numpy.typing import NDArray

from preroll.envs.model.observation import OF_VIDEO, SessionSpec
from preroll.errors import PrerollError

Index = NDArray[np.int64]


class SessionState:
    """Decoder of observations into indices of a policy table: segment, slot, video, fatigue level and last ad.

    Args:
        spec: layout of the observations.
        rows: float32 [N, d], the observation of every video with zeros in the session's parts, by which videos are
            found; among videos with equal rows the first is returned.
        agent: name for errors.
    """

    def __init__(self, spec: SessionSpec, rows: NDArray[np.float32], agent: str) -> None:
        self.spec = spec
        self.agent = agent
        parts = [spec.layout.parts[name].slice for name in OF_VIDEO if name in spec.layout.parts]
        self._columns = np.concatenate([np.arange(part.start, part.stop) for part in parts] or [np.empty(0, np.int64)])
        self._keys, self._videos, key = np.unique(
            _as_bytes(rows[:, self._columns]), return_index=True, return_inverse=True
        )
        #: The video that is returned for each video, int64 [N]: the first of those that look alike.
        self.alike = self._videos[key.reshape(-1)]

    def segment(self, observations: NDArray[np.float32]) -> Index:
        """Returns the index of the user's segment (n,)."""
        return self._argmax(observations, "segment")

    def slot(self, observations: NDArray[np.float32]) -> Index:
        """Returns the number of slots played so far (n,), from the share of the horizon that is over."""
        progress = self._part(observations, "progress")[:, 0]
        slots: Index = np.rint(progress * np.float32(self.spec.n_slots)).astype(np.int64)
        return slots

    def position(self, observations: NDArray[np.float32]) -> Index:
        """Returns the position of the slot in its video (n,)."""
        return self._argmax(observations, "position")

    def fatigue(self, observations: NDArray[np.float32]) -> Index:
        """Returns the fatigue level (n,)."""
        return self._argmax(observations, "fatigue")

    def last(self, observations: NDArray[np.float32]) -> Index:
        """Returns the index of the last outcome (n,), as defined in :mod:`preroll.envs.policies.policy`.

        Whether the last ad was viewed is not decoded: the index is always that of an ad that was not viewed.
        """
        shown = self._part(observations, "last_ad")
        return np.where(shown.any(axis=1), shown.argmax(axis=1), 2 * self.spec.n_actions)

    def video(self, observations: NDArray[np.float32]) -> Index:
        """Returns the row of the video in the catalog (n,).

        Raises:
            PrerollError: the scenario hides everything about the video, or the video is not in the catalog.
        """
        if not self._columns.size:
            raise self._hidden("content")
        keys = _as_bytes(observations[:, self._columns])
        places = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        if (self._keys[places] != keys).any():
            raise PrerollError(
                f"agent {self.agent}: was made for another catalog: an observation shows an unknown video"
            )
        return self._videos[places]

    def _argmax(self, observations: NDArray[np.float32], name: str) -> Index:
        found: Index = self._part(observations, name).argmax(axis=1)
        return found

    def _part(self, observations: NDArray[np.float32], name: str) -> NDArray[np.float32]:
        if name not in self.spec.layout.parts:
            raise self._hidden(name)
        return observations[:, self.spec.layout.parts[name].slice]

    def _hidden(self, name: str) -> PrerollError:
        return self.cannot_act(f"its choice depends on {name}, which observe.{name}: false hides")

    def cannot_act(self, why: str) -> PrerollError:
        """Returns the error of an agent that observations do not tell which entry of its table applies."""
        return PrerollError(
            f"agent {self.agent}: cannot act in scenario {self.spec.name}: {why}; its exact value needs no observation"
        )


def _as_bytes(rows: NDArray[np.float32]) -> NDArray[np.void]:
    """Converts each row into one sortable value of raw bytes."""
    packed = np.ascontiguousarray(rows, dtype=np.float32) + np.float32(0)  # turns -0 into 0, whose bytes differ
    if not packed.shape[1]:
        return np.zeros(len(rows), "V1")
    return packed.view(np.dtype((np.void, packed.shape[1] * packed.itemsize)))[:, 0]

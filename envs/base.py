"""What both forms of the environment tell of their observations, so that agents need no table of the model."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from preroll.envs.model.observation import ObservationLayout, Part, SessionSpec
from preroll.envs.model.tables import Tables


class SessionEnvBase:
    """An environment of compiled ``tables``."""

    tables: Tables

    @property
    def session_spec(self) -> SessionSpec:
        """What an agent may know."""
        return self.tables.spec

    @property
    def layout(self) -> ObservationLayout:
        """The parts of the observation."""
        return self.tables.layout

    @property
    def observation_parts(self) -> Mapping[str, Part]:
        """Name → slice, unit and meaning of the observation's parts."""
        return self.tables.layout.parts


def observation_space(tables: Tables) -> Any:
    """The Box [0, 1]^d of one observation, float32."""
    return spaces.Box(0.0, 1.0, (tables.layout.size,), np.float32)


def new_observations(tables: Tables, n: int) -> NDArray[np.float32]:
    """Room for n observations, float32 [n, d]."""
    return np.empty((n, tables.layout.size), np.float32)

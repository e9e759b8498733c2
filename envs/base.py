"""Observation metadata shared by ``SessionEnv`` and ``SessionVectorEnv``, so that agents need no table of the model."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from preroll.envs.model.observation import ObservationLayout, Part, SessionSpec
from preroll.envs.model.tables import Tables


class SessionEnvBase:
    """Base class of the environments, with the compiled ``tables``."""

    tables: Tables

    @property
    def session_spec(self) -> SessionSpec:
        """Specification of the simulation, as far as an agent may know it."""
        return self.tables.spec

    @property
    def layout(self) -> ObservationLayout:
        """Layout of the observation."""
        return self.tables.layout

    @property
    def observation_parts(self) -> Mapping[str, Part]:
        """Slice, unit and meaning of each named part of the observation."""
        return self.tables.layout.parts


def observation_space(tables: Tables) -> Any:
    """Returns the space of one observation, ``Box(0, 1, (d,), float32)``."""
    return spaces.Box(0.0, 1.0, (tables.layout.size,), np.float32)


def new_observations(tables: Tables, n: int) -> NDArray[np.float32]:
    """Returns an uninitialised array for n observations, float32 [n, d]."""
    return np.empty((n, tables.layout.size), np.float32)

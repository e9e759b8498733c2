"""Observation metadata shared by ``SessionEnv`` and ``SessionVectorEnv``, so that agents need no table of the model."""

import copy
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.envs.registration import EnvSpec
from gymnasium.utils import seeding
from numpy.typing import NDArray

from preroll.envs.arguments import limit_of, whole
from preroll.envs.kernel.layout import Packed
from preroll.envs.model.compiled import compiled_tables
from preroll.envs.model.observation import ObservationLayout, Part, SessionSpec
from preroll.envs.model.tables import Tables
from preroll.envs.scenario.scenario import Scenario
from preroll.errors import PrerollError
from preroll.perception.catalog.catalog import Catalog

#: Keys of a mapping of settings, as RLlib passes it in place of a scenario, none of which is one of a scenario.
_SETTINGS = {"scenario", "catalog", "tables", "render_mode", "num_envs", "copy", "autoreset_mode", "max_episode_steps"}


class SessionEnvBase:
    """Base class of the environments, with the compiled ``tables``."""

    _tables: Tables
    _packed: Packed  # those of the tables, for compiled code
    _answers: NDArray[np.float64]  # those of the tables
    _spec: EnvSpec | None = None
    _running = False  # whether a session was started; a generator says nothing, since anyone may ask for one
    _np_random: np.random.Generator | None
    _np_random_seed: Any
    np_random_seed: Any

    @property
    def tables(self) -> Tables:
        """The compiled scenario; whoever sets another one plays by it."""
        return self._tables

    @tables.setter
    def tables(self, tables: Tables) -> None:
        self._tables, self._packed, self._answers = tables, tables.packed.for_kernel(), tables.answers

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of scenario {self.tables.scenario.name}, {self.tables.n_videos:,} videos>"

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_packed": None, "_answers": None}  # once, with the tables

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.tables = self._tables

    def _drawn_seed(self) -> int:
        """Returns the seed of a first reset without one: that of ``np_random``, or one drawn from it if it was set."""
        seed: int = whole(self.np_random_seed)
        if self._np_random is None:
            self._np_random, _ = seeding.np_random(seed)
        elif seed < 0:
            seed = int(self._np_random.integers(2**63))
        self._np_random_seed = seed
        return seed

    @property
    def spec(self) -> EnvSpec | None:
        """Gymnasium's specification, by which ``gym.make`` made the environment, in values of JSON where possible.

        Its ``max_episode_steps`` is the number of slots of a whole session, which the environment truncates itself.
        """
        return self._spec

    @spec.setter
    def spec(self, value: EnvSpec | None) -> None:
        self._spec = plain = copy.copy(value)
        if plain is not None:
            plain.kwargs = plain_arguments(plain.kwargs)
            limit = limit_of(plain.kwargs.get("max_episode_steps"))
            plain.max_episode_steps = min(limit or self.tables.n_slots, self.tables.n_slots)

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


def tables_of(scenario: Any, catalog: Any, tables: Tables | None) -> Tables:
    """Returns the given tables, or those of the scenario on the catalog.

    Raises:
        PrerollError: As :meth:`Tables.compile`; or if the scenario is a mapping of settings.
    """
    if tables is not None:
        return tables
    no_settings("scenario", scenario)
    return compiled_tables(scenario, catalog)


def no_settings(argument: str, value: Any) -> None:
    """Refuses the settings of an environment in one mapping, given as its first ``argument``.

    Raises:
        PrerollError: If it is one.
    """
    if isinstance(value, Mapping) and (hasattr(value, "worker_index") or not value or value.keys() & _SETTINGS):
        raise PrerollError(
            f"{argument}: this is a mapping of settings, such as RLlib's env_config: unpack it, as in "
            "ray.tune.register_env('preroll', lambda env_config: SessionEnv(**env_config))"
        )


def plain_arguments(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Returns arguments of an environment with objects as values of JSON; a catalog in memory alone stays as it is."""
    told = dict(arguments)
    tables = told.get("tables")
    if isinstance(tables, Tables) and tables.catalog.manifest["files"]:
        told |= {"scenario": tables.scenario, "catalog": tables.catalog}
        del told["tables"]
    return {name: _plain(value) for name, value in told.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Scenario):
        return value.model_dump(mode="json")
    if isinstance(value, Catalog):
        return str(value.path) if value.manifest["files"] else value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if isinstance(value, Mapping):
        return {name: _plain(part) for name, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, list | tuple) else value


def observation_space(tables: Tables) -> Any:
    """Returns the space of one observation, ``Box(0, 1, (d,), float32)``."""
    return spaces.Box(0.0, 1.0, (tables.layout.size,), np.float32)


def new_observations(tables: Tables, n: int) -> NDArray[np.float32]:
    """Returns an uninitialised array for n observations, float32 [n, d]."""
    return np.empty((n, tables.layout.size), np.float32)

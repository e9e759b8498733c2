"""Settings of agents: frozen, typed and validated; each field's description names the source of its default."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import Field

from preroll.errors import PrerollError
from preroll.renamed import SETTINGS
from preroll.yaml_config import FileModel, validated

Kind = TypeVar("Kind", bound="AgentSettings")


class AgentSettings(FileModel):
    """Settings that all agents share; subclasses add fields and change these defaults.

    Examples:
        >>> from preroll.agents import AgentSettings
        >>> class MySettings(AgentSettings):
        ...     rate: float = 0.1
        >>> MySettings(num_envs=8)
        MySettings(num_envs=8, sessions=4000, rate=0.1)
    """

    num_envs: int = Field(
        default=64, ge=1, le=65536, description="parallel sessions while training (64: about 0.1 ms of NumPy a step)"
    )
    sessions: int = Field(
        default=4_000, ge=1, description="sessions after which training on `classic` has settled (measured)"
    )


def parse(kind: type[Kind], agent: str, given: Mapping[str, Any]) -> Kind:
    """Builds the settings of ``agent`` from a mapping.

    Args:
        kind: class of the settings.
        agent: name of the agent, for errors.
        given: values by name of the setting.

    Returns:
        The validated settings.

    Raises:
        PrerollError: an unknown setting (the message lists the known ones) or a value out of range.
    """
    if unknown := sorted(set(given) - set(kind.model_fields)):
        if now := [new for new in SETTINGS.get(unknown[0], ()) if new in kind.model_fields]:
            raise PrerollError(f"agent {agent}: the setting {unknown[0]!r} is now {now[0]!r}")
        known = ", ".join(kind.model_fields)
        raise PrerollError(f"agent {agent}: unknown setting {unknown[0]!r}; settings are {known}")
    return validated(kind, dict(given), f"agent {agent}")

"""Settings of agents: frozen, typed and validated; each field's description names the source of its default."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from pydantic import Field

from preroll.console.nearest import known
from preroll.errors import PrerollError
from preroll.renamed import SETTINGS
from preroll.yaml_config import FileModel, validated

MOST_SESSIONS = 10**9  # more numbers than the curve of any training holds

Kind = TypeVar("Kind", bound="AgentSettings")


@dataclass(frozen=True)
class Overruled:
    """Mark, in the annotation of a setting, of another one under which it has no effect.

    Attributes:
        by: name of the other setting.
        when: whether the settings of the agent are such that it overrules.
    """

    by: str
    when: Callable[[Any], bool]


class AgentSettings(FileModel):
    """Settings that all agents share; subclasses add fields and change these defaults.

    Attributes:
        falling: the settings that are the end of a schedule which falls, by that of its start.

    Examples:
        >>> from preroll.agents import AgentSettings
        >>> class MySettings(AgentSettings):
        ...     rate: float = 0.1
        >>> MySettings(num_envs=8)
        MySettings(num_envs=8, sessions=4000, rate=0.1)
    """

    falling: ClassVar[Mapping[str, str]] = {}

    num_envs: int = Field(
        default=64, ge=1, le=65536, description="parallel sessions while training (64: about 0.1 ms of NumPy a step)"
    )
    sessions: int = Field(
        default=4_000,
        ge=1,
        le=MOST_SESSIONS,
        description="sessions after which training on `classic` has settled (measured)",
    )

    def lacking(self) -> str:
        """Returns what these settings need and this machine lacks; empty if nothing."""
        return ""


def parse(kind: type[Kind], agent: str, given: Mapping[str, Any], preset: Mapping[str, Any] | None = None) -> Kind:
    """Builds the settings of ``agent`` from a mapping.

    Of a schedule that falls the end that was not given follows the one that was, where it would otherwise rise.

    Args:
        kind: class of the settings.
        agent: name of the agent, for errors.
        given: values by name of the setting.
        preset: values of settings that were not given, if they differ from the defaults.

    Returns:
        The validated settings.

    Raises:
        PrerollError: an unknown setting (the message lists the known ones) or a value out of range.
    """
    values = {**(preset or {}), **given}
    if unknown := sorted(set(values) - set(kind.model_fields)):
        if now := [new for new in SETTINGS.get(unknown[0], ()) if new in kind.model_fields]:
            raise PrerollError(f"agent {agent}: the setting {unknown[0]!r} is now {now[0]!r}")
        told = known(unknown[0], "settings are", kind.model_fields)
        raise PrerollError(f"agent {agent}: unknown setting {unknown[0]!r}; {told}")
    settings = validated(kind, values, f"agent {agent}")
    follows = {}
    for start, end in kind.falling.items():
        if (start in given) != (end in given) and getattr(settings, start) < getattr(settings, end):
            here, there = (start, end) if start in given else (end, start)
            follows[there] = getattr(settings, here)
    return validated(kind, {**values, **follows}, f"agent {agent}") if follows else settings


def overruled(settings: AgentSettings) -> dict[str, str]:
    """Returns the settings that have no effect, each with the name of the one that overrules it."""
    marks = {name: field.metadata for name, field in type(settings).model_fields.items()}
    return {
        name: mark.by
        for name, found in marks.items()
        for mark in found
        if isinstance(mark, Overruled) and mark.when(settings)
    }


def check_effects(settings: AgentSettings, agent: str, given: Collection[str]) -> None:
    """Checks that every setting that was given has an effect.

    Args:
        settings: all settings of the agent.
        agent: name of the agent, for errors.
        given: names of the settings that a user gave.

    Raises:
        PrerollError: one has none; the message names the setting that overrules it.
    """
    for name, by in overruled(settings).items():
        if name in given:
            value, other = getattr(settings, name), getattr(settings, by)
            raise PrerollError(
                f"agent {agent}: {name}: {value!r} has no effect under {by}: {other!r}; leave it out, or change {by}"
            )


def with_sessions(agent: str, given: Mapping[str, Any], sessions: int | None) -> dict[str, Any]:
    """Returns the settings that a user gave, with the number of training sessions among them if it was given apart.

    Raises:
        PrerollError: both were given and differ, so that one of them would have no effect.
    """
    if sessions is None:
        return dict(given)
    if given.get("sessions", sessions) != sessions:
        raise PrerollError(
            f"agent {agent}: sessions: {given['sessions']} has no effect where {sessions} sessions are asked for; "
            "leave one of the two out"
        )
    return {**given, "sessions": sessions}

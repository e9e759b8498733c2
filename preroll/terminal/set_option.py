"""The option ``--set KEY=VALUE``: changes to an agent's settings and to a scenario."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from preroll.errors import PrerollError

if TYPE_CHECKING:
    from preroll.envs.scenario.scenario import Scenario

#: The option of commands that have a scenario and no agent.
ScenarioChanges = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Dotted key of the scenario, such as `user.mismatch=0.2`."),
]


def parse_changes(changes: list[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Parses KEY=VALUE texts into settings of the agent and keys of the scenario, as files with a line KEY: VALUE.

    A key of the scenario is a dotted one, or one of the scenario's own such as ``recall_weight``. Those of a training's
    ``feedback`` are among them.

    Raises:
        PrerollError: an entry without ``=``, or one that is no line of YAML.
    """
    from preroll.bounded.yaml_text import parse_yaml
    from preroll.envs.scenario.scenario import Scenario

    settings: dict[str, Any] = {}
    overrides: dict[str, Any] = {}
    for change in changes:
        key, equals, text = change.partition("=")
        if not key or not equals:
            raise PrerollError(f"--set {change}: KEY=VALUE is expected, such as num_envs=256 or user.mismatch=0.2")
        line = parse_yaml(f"value: {text}", f"--set {change}")
        if len(line) > 1:
            raise PrerollError(f"--set {change.split()[0]} …: one value is expected, not several lines")
        (overrides if "." in key or key in (*Scenario.model_fields, "feedback") else settings)[key] = line["value"]
    return settings, overrides


def changed_scenario(scenario: str, changes: list[str] | None) -> "Scenario":
    """Returns a scenario with changed keys, for a command without an agent.

    Raises:
        PrerollError: a scenario that is not right, or a key that it does not have.
    """
    from preroll.envs.scenario.scenario import Scenario

    others, overrides = parse_changes(changes or [])
    for key in others:
        raise PrerollError(f"--set {key}: is no key of a scenario; those are dotted, such as user.mismatch")
    return Scenario.load(scenario).replace(overrides)

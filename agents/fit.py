"""Check that a trained agent fits a scenario."""

from preroll.agents.agent import Agent
from preroll.envs.model.observation import SessionSpec
from preroll.errors import PrerollError


def check_fit(name: str, agent: Agent, spec: SessionSpec) -> None:
    """Checks that ``agent``, which messages call ``name``, was trained with the observations and ads of ``spec``.

    Raises:
        PrerollError: it was not; the message says what differs.
    """
    for what, theirs, ours in (
        ("ads", agent.spec.labels, spec.labels),
        ("categories", agent.spec.categories, spec.categories),
        ("observations", tuple(agent.spec.layout.parts), tuple(spec.layout.parts)),
        ("size of observations", agent.spec.layout.size, spec.layout.size),
    ):
        if theirs != ours:
            raise PrerollError(
                f"agent {name}: was trained with other {what}: {theirs}; scenario {spec.name} has {ours}"
            )

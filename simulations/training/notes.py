"""What is said of a training that taught nothing, or that ended in numbers that are none."""

from preroll.agents.agent import Agent
from preroll.console.plural import counted
from preroll.simulations.feedback.feedback import Feedback


def learning_notes(agent: Agent, sessions: int, feedback: Feedback) -> tuple[str, ...]:
    """Returns sentences on why ``agent`` may not have learned in a training of so many sessions; usually none."""
    if not agent.can_learn:
        return ()
    notes = []
    if why := feedback.untaught(sessions) or agent.unlearned():
        notes.append(f"agent {agent.name} has not learned: {why}.")
    if sessions < agent.num_envs:
        notes.append(
            f"agent {agent.name} played its {counted(sessions, 'session')} side by side, fewer than num_envs "
            f"({agent.num_envs:,}): none of them began with what another had taught."
        )
    return tuple(notes)


def advice(agent: Agent) -> str:
    """Returns what to change where an agent has left the numbers, to follow the error."""
    fields = type(agent.settings).model_fields
    values = {name: getattr(agent.settings, name) for name in fields if name != "sessions"}
    changed = ", ".join(f"{name}={value}" for name, value in values.items() if value != fields[name].default)
    ways = ["a smaller learning_rate"] if "learning_rate" in values else []
    ways += [f"the defaults instead of {changed}"] if changed else []
    return f"; try {', or '.join(ways)}" if ways else ""

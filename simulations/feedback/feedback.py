"""Settings of late and batched feedback, what they need of agent and memory, and their words."""

from collections.abc import Mapping
from typing import Any, Self

from pydantic import Field

from preroll.agents.agent import Agent
from preroll.agents.settings import MOST_SESSIONS
from preroll.envs.scenario.overrides import apply_overrides
from preroll.errors import PrerollError
from preroll.system.memory import NETWORKS, require
from preroll.yaml_config import FileModel, validated

#: First part of the dotted keys ``feedback.delay`` and ``feedback.every``.
KEY = "feedback"
#: Bytes that a row of the queue takes besides its numbers, and how often a checkpoint copies these (measured).
ROW_BYTES, COPIES = 1_000, 4


class Feedback(FileModel):
    """When what happened reaches the agent: ``delay`` sessions later, in batches every ``every`` sessions.

    Sessions are counted over all environments, as on the x axis of the curves. A slot that was played when s sessions
    were over is learned from with the first batch at s + ``delay`` or above; batches come whenever another ``every``
    sessions are over. What is not delivered when the training ends is not learned. Without delay and batches an agent
    learns from every slot at once. Evaluation does not learn, so nothing of it changes.

    Examples:
        >>> from preroll.simulations import Feedback, train
        >>> late = train("thompson", scenario="classic", sessions=300, feedback=Feedback(delay=200))
        >>> late.feedback.late, late.waiting > 0
        (True, True)
        >>> at_once = train("thompson", scenario="classic", sessions=300)
        >>> late.earned_while_learning < at_once.earned_while_learning
        True
    """

    delay: int = Field(
        default=0, ge=0, le=MOST_SESSIONS, description="sessions that are over before what happened is learned from"
    )
    every: int = Field(default=1, ge=1, le=MOST_SESSIONS, description="sessions from one batch to the next")

    @classmethod
    def of(cls, given: "Feedback | Mapping[str, Any] | None") -> Self:
        """Returns the feedback that was given; at once where none was.

        Raises:
            PrerollError: an unknown key, or a value out of range.
        """
        return validated(cls, given.model_dump() if isinstance(given, Feedback) else dict(given or {}), KEY)

    def changed(self, changes: Mapping[str, Any]) -> "Feedback":
        """Returns this feedback with changes by dotted key, such as ``feedback.delay``.

        Raises:
            PrerollError: an unknown key, or a value out of range.
        """
        told = apply_overrides({KEY: self.model_dump()}, changes, "feedback of the training")
        if not isinstance(told[KEY], Mapping):
            raise PrerollError(f"{KEY}: {told[KEY]!r}: {{delay: n, every: m}} is expected")
        return Feedback.of(told[KEY])

    @property
    def late(self) -> bool:
        """Whether anything is learned later than at once."""
        return self != AT_ONCE

    @property
    def told(self) -> dict[str, int]:
        """Both numbers where feedback is late; empty where it is not, so that nothing changes by it."""
        return self.model_dump() if self.late else {}

    @property
    def changes(self) -> dict[str, int]:
        """Those of the numbers that are not as without delay and batches, by dotted key."""
        return {f"{KEY}.{name}": value for name, value in self.told.items() if value != getattr(AT_ONCE, name)}

    def untaught(self, sessions: int) -> str:
        """Returns why nothing is learned in a training of so many sessions; empty where something is."""
        if self.delay >= sessions:
            return f"feedback.delay ({self.delay:,}) is not below its {sessions:,} sessions"
        first = -(-max(self.delay, 1) // self.every) * self.every
        if first > sessions:
            return f"its first feedback comes after {first:,} sessions, more than its {sessions:,}"
        return ""

    def check(self, agent: Agent, *, slots: int, sessions: int, saved: bool) -> None:
        """Checks that ``agent`` can learn late, and that the queue fits into memory.

        Args:
            agent: the agent to train.
            slots: the horizon: slots of the longest session.
            sessions: sessions of the training.
            saved: whether checkpoints are written, which hold the queue too.

        Raises:
            PrerollError: it remembers the session and does not tell what; or memory is short.
        """
        if not self.late:
            return
        memory = agent.memory()
        if memory is None and agent.remembers:
            raise PrerollError(
                f"agent {agent.name}: remembers the session but has no memory(), which {KEY} needs: leave it out"
            )
        lanes, width = min(agent.num_envs, sessions), 0 if memory is None else memory.shape[1]
        # At the end, sessions beyond the last recorded one are played as well: one more of every lane.
        rows = (min(self.delay + self.every, sessions) + 2 * lanes) * slots // lanes
        numbers = 8 * agent.spec.layout.size + 19 + 8 * agent.needs_propensities + 8 * width
        size = rows * (ROW_BYTES + lanes * numbers * (COPIES if saved else 1))
        require(f"the queue of {self.described}, of at most {rows * lanes:,} slots,", NETWORKS.plus(size))

    @property
    def described(self) -> str:
        """Its two numbers in words."""
        if not self.late:
            return "feedback at once"
        batches = f" in batches of {self.every:,}" if self.every > 1 else ""
        return f"feedback {self.delay:,} sessions late{batches}"


#: Every slot is learned from at once.
AT_ONCE = Feedback()


def separated(changes: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns the changes of the scenario and those of the feedback, by dotted key.

    Examples:
        >>> separated({"user.mismatch": 0.2, "feedback.delay": 1000})
        ({'user.mismatch': 0.2}, {'feedback.delay': 1000})
    """
    ours = {key: value for key, value in changes.items() if key.split(".")[0] == KEY}
    return {key: value for key, value in changes.items() if key not in ours}, ours

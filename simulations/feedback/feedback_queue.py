"""Queue of what was played and has not reached the agent."""

from collections import deque
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from preroll.agents.transitions import Transitions
from preroll.simulations.feedback.feedback import Feedback

FIELDS = tuple(field.name for field in fields(Transitions))

Arrays = dict[str, NDArray[Any]]


class FeedbackQueue:
    """Queue of what was played and has not reached the agent: whole rows, one step of every lane each, in order.

    Whole rows, since an agent's buffers, n-step returns and advantages take consecutive steps of all lanes. They are
    copied: the environment reuses its arrays.

    Args:
        feedback: when rows are due.
        sessions: sessions of the training.
    """

    def __init__(self, feedback: Feedback, sessions: int) -> None:
        self.feedback = feedback
        self._teaches = not feedback.untaught(sessions)
        self._rows: deque[tuple[int, Transitions]] = deque()

    @property
    def transitions(self) -> int:
        """Number of slots that have not reached the agent."""
        return sum(len(row) for _, row in list(self._rows)[:1]) * len(self._rows)

    def put(self, row: Transitions, over: int) -> None:
        """Adds a row; ``over`` sessions are over with it."""
        arrays: dict[str, Any] = {name: getattr(row, name) for name in FIELDS}
        copies = {name: array.copy() for name, array in arrays.items() if array is not None}
        self._rows.append((over, Transitions(**copies)))

    def due(self, before: int, over: int) -> Iterator[Transitions]:
        """Removes and yields the rows that are due now that ``over`` sessions are over, ``before`` a step ago."""
        every = self.feedback.every
        if not self._teaches or over // every == before // every:
            return
        until = over // every * every - self.feedback.delay
        while self._rows and self._rows[0][0] <= until:
            yield self._rows.popleft()[1]

    def state_arrays(self) -> Arrays:
        """Returns the queue as arrays whose first axis is the row; none where it is empty."""
        if not self._rows:
            return {}
        rows = [row for _, row in self._rows]
        arrays: Arrays = {"over": np.array([over for over, _ in self._rows], np.int64)}
        for name in FIELDS:
            if getattr(rows[0], name) is not None:
                arrays[name] = np.stack([getattr(row, name) for row in rows])
        return arrays

    def load_state(self, arrays: Arrays, lanes: int) -> None:
        """Restores the queue of so many lanes.

        Raises:
            ValueError: the arrays differ in their number of rows or lanes.
        """
        if not arrays:
            return
        count, columns = len(arrays["over"]), {name: arrays[name] for name in FIELDS if name in arrays}
        for name, column in columns.items():
            if column.shape[:2] != (count, lanes):
                raise ValueError(f"late/{name}: is {list(column.shape)}, expected {count} rows of {lanes} lanes")
        for number, over in enumerate(arrays["over"].tolist()):
            self._rows.append((over, Transitions(**{name: column[number] for name, column in columns.items()})))

"""Record of the current session, slot by slot, for rendering."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from preroll.envs.model.tables import Tables


class PlayedSlot(NamedTuple):
    """Outcome of one slot; ``fatigue`` is the level after it, ``revenue`` the sum of rewards up to and including it."""

    video: int
    category: int
    ad: int
    viewed: bool
    view_probability: float
    reward: float
    fatigue: int
    terminated: bool
    revenue: float


@dataclass
class Timeline:
    """Slots of the current session, recorded only by environments with a render mode.

    Attributes:
        tables: compiled scenario, the source of names and lengths.
        session: number of the session in its stream; -1 before the first.
        video: video of the next slot.
        slots: slots played.
    """

    tables: Tables
    session: int = -1
    video: int = -1
    slots: list[PlayedSlot] = field(default_factory=list)

    def start(self, session: int, video: int) -> None:
        """Starts session number ``session`` with the video ``video``."""
        self.session, self.video, self.slots = int(session), int(video), []

    def add(self, info: dict[str, Any], reward: float, terminated: bool, fatigue: int, video: int) -> None:
        """Appends the slot just played; ``fatigue`` is the level after it, ``video`` the video of the next slot."""
        slot = PlayedSlot(
            video=info["video"],
            category=info["category"],
            ad=info["ad"],
            viewed=info["viewed"],
            view_probability=info["view_probability"],
            reward=reward,
            fatigue=int(fatigue),
            terminated=terminated,
            revenue=self.revenue + reward,
        )
        self.slots.append(slot)
        self.video = int(video)

    @property
    def revenue(self) -> float:
        """Sum of the rewards so far."""
        return self.slots[-1].revenue if self.slots else 0.0

    @property
    def over(self) -> bool:
        """Whether the user has left or the horizon is reached."""
        return bool(self.slots) and (self.slots[-1].terminated or len(self.slots) == self.tables.n_slots)

    def category_name(self, category: int) -> str:
        """Returns the name of a category by index; ``unknown`` for -1."""
        return self.tables.spec.categories[category] if category >= 0 else "unknown"

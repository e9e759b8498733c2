"""What happened in the present session, slot by slot, and how it is shown: a line of text, or a picture."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from preroll.envs.model.tables import Tables
from preroll.errors import PrerollError

MODES = ("ansi", "rgb_array")
BAR = 10  # cells of the fatigue bar where there are more levels


class PlayedSlot(NamedTuple):
    """One slot: what was shown and what the user did; ``fatigue`` is the level after it, ``revenue`` the sum so far."""

    video: int
    category: int
    ad: int
    viewed: bool
    view_probability: float
    reward: float
    fatigue: int
    left: bool
    revenue: float


@dataclass
class Timeline:
    """The slots of the present session, kept only by environments with a render mode.

    Attributes:
        tables: names and lengths come from here.
        mode: ``ansi`` or ``rgb_array``.
        session: number of the session in its stream.
        video: the video whose slot comes next.
        slots: what was played.
    """

    tables: Tables
    mode: str
    session: int = -1
    video: int = -1
    slots: list[PlayedSlot] = field(default_factory=list)

    @classmethod
    def of(cls, tables: Tables, mode: str | None) -> "Timeline | None":
        """Gives an empty timeline, or None where nothing is to be shown.

        Raises:
            PrerollError: the mode does not exist.
        """
        if mode is None:
            return None
        if mode not in MODES:
            raise PrerollError(f"render_mode: {mode!r}: None, {' or '.join(map(repr, MODES))} is allowed")
        return cls(tables, mode)

    def start(self, session: int, video: int) -> None:
        """Begins session number ``session`` before ``video``."""
        self.session, self.video, self.slots = int(session), int(video), []

    def add(self, info: dict[str, Any], reward: float, fatigue: int, video: int) -> None:
        """Adds the slot just played; ``fatigue`` is the level after it, ``video`` the video of the next slot."""
        slot = PlayedSlot(
            video=info["video"],
            category=info["category"],
            ad=info["ad"],
            viewed=info["viewed"],
            view_probability=info["view_probability"],
            reward=reward,
            fatigue=int(fatigue),
            left=info["left"],
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
        """Whether the user left or the horizon is reached."""
        return bool(self.slots) and (self.slots[-1].left or len(self.slots) == self.tables.n_slots)

    def category_name(self, category: int) -> str:
        """Name of a category by its number; ``unknown`` for -1."""
        return self.tables.spaces.categories[category] if category >= 0 else "unknown"

    def render(self) -> str | NDArray[np.uint8]:
        """The text of the slot just played, or the picture of the session so far.

        Raises:
            PrerollError: no session was started.
        """
        if self.session < 0:
            raise PrerollError("render: no session is running: call reset() first")
        if self.mode == "ansi":
            return self.line()
        from preroll.envs.rendering.rgb import draw  # Pillow is loaded only where pictures are asked for

        return draw(self)

    def line(self) -> str:
        """One line: the slot just played, or before the first one the start of the session; columns keep their width.

        ``slot  video (category)  ad  viewed or not  P(view)  reward  fatigue as a bar  revenue so far  left``
        """
        spaces = self.tables.spaces
        if not self.slots:
            category = self.category_name(int(self.tables.category[self.video]))
            return (
                f"{spaces.name}: session {self.session} begins with video {self.video} ({category}), "
                f"up to {spaces.n_slots} slots"
            )
        slot = self.slots[-1]
        names = self.tables.scenario.session.slots
        position = names[(len(self.slots) - 1) % len(names)].rjust(max(map(len, names)) + 1) if names[1:] else ""
        where = f"video {slot.video:>{len(str(self.tables.n_videos))}} ({self.category_name(slot.category)})"
        width = len(f"video {self.tables.n_videos} ()") + max(len("unknown"), *map(len, spaces.categories))
        fields = [
            f"slot {len(self.slots):>{len(str(spaces.n_slots))}}{position}",
            where.ljust(width),
            spaces.labels[slot.ad].ljust(max(map(len, spaces.labels))),
            self._response(slot).ljust(len("not viewed")),
            f"P(view) {slot.view_probability:.3f}",
            f"reward {slot.reward:5.2f}",
            *([f"fatigue {self._bar(slot.fatigue)}"] if self.tables.n_levels > 1 else []),
            f"revenue {slot.revenue:7.2f}",
            *(["left"] if slot.left else ["horizon"] if self.over else []),
        ]
        return "  ".join(fields)

    def _response(self, slot: PlayedSlot) -> str:
        """What the user did; a dash where no ad was shown."""
        if slot.ad == len(self.tables.ads):
            return "–"
        return "viewed" if slot.viewed else "not viewed"

    def _bar(self, fatigue: int) -> str:
        """A fatigue level as filled and empty cells, and as a number: ``▮▮▯▯▯ 2``."""
        highest = self.tables.n_levels - 1
        cells = min(highest, BAR)
        filled = -(-fatigue * cells // highest)  # rounded up: only a rested user has an empty bar
        return "▮" * filled + "▯" * (cells - filled) + f" {fatigue:>{len(str(highest))}}"

"""Rendering of a session as text, one line per slot."""

from preroll.console.output import printable
from preroll.envs.rendering.timeline import PlayedSlot, Timeline

BAR = 10  # largest number of cells of the fatigue bar


def draw_text(timeline: Timeline) -> str:
    """Returns one line of text: the slot just played or, before the first one, the start of the session.

    Columns have constant width:

    ``slot  video (category)  ad  viewed or not  P(view)  reward  fatigue as a bar  revenue so far  left``
    """
    spec = timeline.tables.spec
    if not timeline.slots:
        category = timeline.category_name(int(timeline.tables.category[timeline.video]))
        return printable(
            f"{spec.name}: session {timeline.session} begins with video {timeline.video} ({category}), "
            f"up to {spec.n_slots} slots"
        )
    slot = timeline.slots[-1]
    names = timeline.tables.scenario.session.slots
    position = names[(len(timeline.slots) - 1) % len(names)].rjust(max(map(len, names)) + 1) if names[1:] else ""
    where = f"video {slot.video:>{len(str(timeline.tables.n_videos))}} ({timeline.category_name(slot.category)})"
    width = len(f"video {timeline.tables.n_videos} ()") + max(len("unknown"), *map(len, spec.categories))
    fields = [
        f"slot {len(timeline.slots):>{len(str(spec.n_slots))}}{position}",
        where.ljust(width),
        spec.labels[slot.ad].ljust(max(map(len, spec.labels))),
        _response(timeline, slot).ljust(len("not viewed")),
        f"P(view) {slot.view_probability:.3f}",
        f"reward {slot.reward:5.2f}",
        *([f"fatigue {_bar(timeline, slot.fatigue)}"] if timeline.tables.n_levels > 1 else []),
        f"revenue {slot.revenue:7.2f}",
        *(["left"] if slot.terminated else ["horizon"] if timeline.over else []),
    ]
    return printable("  ".join(fields))


def _response(timeline: Timeline, slot: PlayedSlot) -> str:
    """Returns whether the ad was viewed, as text; a dash if no ad was shown."""
    if slot.ad == len(timeline.tables.ads):
        return "–"
    return "viewed" if slot.viewed else "not viewed"


def _bar(timeline: Timeline, fatigue: int) -> str:
    """Formats a fatigue level as filled and empty cells and a number: ``▮▮▯▯▯ 2``."""
    highest = timeline.tables.n_levels - 1
    cells = min(highest, BAR)
    filled = -(-fatigue * cells // highest)  # rounded up: only a rested user has an empty bar
    return "▮" * filled + "▯" * (cells - filled) + f" {fatigue:>{len(str(highest))}}"

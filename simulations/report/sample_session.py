"""Drawing of one session of an agent, slot by slot."""

from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from preroll.agents.agent import Agent
from preroll.envs.model.tables import Tables
from preroll.envs.session import SessionEnv
from preroll.seeds import EVALUATION, derive
from preroll.simulations.experiment.execution.policy_map import color_of

_WIDTH, _LEFT, _BAR = 34, 84, 26  # width of a slot, width of the names, height of the boxes [SVG user units]
_PER_LINE = 20


@dataclass(frozen=True)
class Slot:
    """Outcome of one slot.

    Attributes:
        category: category of the video that followed.
        ad: label of the ad.
        viewed: whether the ad was viewed.
        reward: revenue of the slot.
        fatigue: level before the slot; None if the agent does not observe it.
        terminated: whether the user left after it.
    """

    category: str
    ad: str
    viewed: bool
    reward: float
    fatigue: int | None
    terminated: bool


def play_session(agent: Agent, tables: Tables, seed: int = 0) -> list[Slot]:
    """Plays one session without exploration, with a user that no training met."""
    env = SessionEnv(tables.scenario, tables.catalog)
    observation, info = env.reset(seed=derive(seed, EVALUATION))
    slots, over = [], False
    part = tables.layout.parts.get("fatigue")
    while not over:
        category = str(tables.catalog.categories[int(tables.catalog.category[int(info["video"])])])
        tired = int(np.argmax(observation[part.start : part.stop])) if part else None
        ad = int(agent.act(observation[None], explore=False)[0])
        observation, reward, terminated, truncated, info = env.step(ad)
        over = bool(terminated or truncated)
        viewed = bool(info["viewed"])
        slots.append(Slot(category, tables.spec.labels[ad], viewed, float(reward), tired, bool(terminated)))
    return slots


def draw_session(slots: list[Slot], tables: Tables, title: str) -> str:
    """Draws a session as SVG: lines of slots, each with category, ad, view and fatigue."""
    lines = [slots[i : i + _PER_LINE] for i in range(0, len(slots), _PER_LINE)]
    height = 96
    parts: list[str] = []
    for i, line in enumerate(lines):
        top = i * height
        names = [("video", 12), ("ad", 38), ("viewed", 62)] + (
            [("fatigue", 80)] if slots[0].fatigue is not None else []
        )
        parts += [f'<text x="{_LEFT - 6}" y="{top + y + 4}" text-anchor="end">{name}</text>' for name, y in names]
        for j, slot in enumerate(line):
            parts += _drawn(slot, _LEFT + j * _WIDTH, top, tables)
    width = _LEFT + min(len(slots), _PER_LINE) * _WIDTH + 60
    box = f'viewBox="0 0 {width} {height * len(lines)}"'
    return f'<svg role="img" aria-label="{escape(title)}" class=session {box} font-size="11">{"".join(parts)}</svg>'


def legend(slots: list[Slot], tables: Tables) -> str:
    """Returns the legend of a session's colours as HTML."""
    shown = sorted({slot.ad for slot in slots}, key=tables.spec.labels.index)
    marks = (f'<span style="background:{color_of(ad, tables.spec.labels)}"></span>{escape(ad)}' for ad in shown)
    return f"<p class=legend>{' '.join(marks)}</p>"


def _drawn(slot: Slot, x: float, top: float, tables: Tables) -> list[str]:
    middle, ink = x + _WIDTH / 2, color_of(slot.ad, tables.spec.labels)
    hint = f"{slot.ad} before a {slot.category} video, {'viewed' if slot.viewed else 'not viewed'}, +{slot.reward:g}"
    found = [
        f'<text x="{middle}" y="{top + 16}" text-anchor="middle">{escape(slot.category[:5])}</text>',
        f'<rect x="{x + 1}" y="{top + 25}" width="{_WIDTH - 2}" height="{_BAR}" fill="{ink}" rx="3">'
        f"<title>{escape(hint)}</title></rect>",
        f'<text x="{middle}" y="{top + 66}" text-anchor="middle">{f"+{slot.reward:g}" if slot.viewed else "·"}</text>',
    ]
    if slot.fatigue is not None:
        found.append(f'<text x="{middle}" y="{top + 84}" text-anchor="middle">{slot.fatigue}</text>')
    if slot.terminated:
        found.append(f'<text x="{x + _WIDTH + 4}" y="{top + 42}">left</text>')
    return found


def told(slots: list[Slot]) -> str:
    """Returns a session in words."""
    revenue = sum(slot.reward for slot in slots)
    views = sum(slot.viewed for slot in slots)
    ending = "then the user left" if slots[-1].terminated else "to the horizon"
    return f"{len(slots)} slots, {views} ads viewed, revenue {revenue:g}, {ending}."


def sample_html(agent: Agent, name: str, tables: Tables) -> str:
    """Returns the drawing of a session with its legend and description, as HTML."""
    slots = play_session(agent, tables)
    title = f"A session of {name}"
    body: Any = draw_session(slots, tables, title)
    return f"<p>{escape(told(slots))}</p><div class=wide>{body}</div>{legend(slots, tables)}"

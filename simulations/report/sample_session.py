"""One session of an agent, slot by slot."""

from dataclasses import dataclass

import numpy as np

from preroll.agents.agent import Agent
from preroll.envs.model.ad_colors import ad_colors
from preroll.envs.model.tables import Tables
from preroll.envs.session import SessionEnv
from preroll.seeds import EVALUATION, derive

PER_LINE = 20  # slots


@dataclass(frozen=True)
class Slot:
    """Outcome of one slot.

    Attributes:
        category: category of the video that followed.
        ad: label of the ad.
        color: colour of the ad.
        viewed: whether the ad was viewed.
        reward: revenue of the slot.
        fatigue: level before the slot; None if the agent does not observe it.
        terminated: whether the user left after it.
    """

    category: str
    ad: str
    color: str
    viewed: bool
    reward: float
    fatigue: int | None
    terminated: bool


@dataclass(frozen=True)
class SampleSession:
    """One session.

    Attributes:
        agent: name of the agent.
        slots: its slots.
        legend: colour of every ad that was shown, in the order of the scenario.
    """

    agent: str
    slots: list[Slot]
    legend: dict[str, str]

    @property
    def lines(self) -> list[list[Slot]]:
        """Slots by line of the drawing."""
        return [self.slots[i : i + PER_LINE] for i in range(0, len(self.slots), PER_LINE)]

    @property
    def in_words(self) -> str:
        """The session in words."""
        revenue = sum(slot.reward for slot in self.slots)
        views = sum(slot.viewed for slot in self.slots)
        ending = "then the user left" if self.slots[-1].terminated else "to the horizon"
        return f"{len(self.slots)} slots, {views} ads viewed, revenue {revenue:,.10g}, {ending}."


def play_session(agent: Agent, name: str, tables: Tables, seed: int = 0) -> SampleSession:
    """Plays one session without exploration, with a user that no training met."""
    env = SessionEnv(tables.scenario, tables.catalog)
    observation, info = env.reset(seed=derive(seed, EVALUATION))
    spec, colors = tables.spec, ad_colors(tables.spec)
    slots: list[Slot] = []
    over, used = False, set[int]()
    part = tables.layout.parts.get("fatigue")
    while not over:
        number = int(tables.category[int(info["video"])])
        category = tables.spec.categories[number] if number >= 0 else "unknown"
        tired = int(np.argmax(observation[part.start : part.stop])) if part else None
        ad = int(agent.act(observation[None], explore=False)[0])
        used.add(ad)
        observation, reward, terminated, truncated, info = env.step(ad)
        over = bool(terminated or truncated)
        slots.append(
            Slot(
                category=category,
                ad=spec.labels[ad],
                color=colors[ad],
                viewed=bool(info["viewed"]),
                reward=float(reward),
                fatigue=tired,
                terminated=bool(terminated),
            )
        )
    return SampleSession(name, slots, {spec.labels[ad]: colors[ad] for ad in spec.listed if ad in used})

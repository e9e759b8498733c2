"""Ads that no agent should show: never viewed, never paid, dominated by another, or never best."""

from collections.abc import Iterator

import numpy as np

from preroll.envs.lint.action_values import LARGEST, ActionComparison
from preroll.envs.lint.finding import Finding
from preroll.envs.lint.mechanisms import Mechanisms, paid
from preroll.envs.model.tables import Tables
from preroll.envs.scenario.parts import OTHER


def useless_ads(mechanisms: Mechanisms, compared: ActionComparison | None) -> Iterator[Finding]:
    """Yields a finding for every category without videos or paying ads, and for every action that is never best.

    Args:
        mechanisms: the scenario.
        compared: its actions; None if there are too many states to compare them.
    """
    tables = mechanisms.tables
    yield from _without_videos(mechanisms)
    yield from _without_ads(mechanisms)
    levels, users = mechanisms.levels_reached, [user for users in mechanisms.users for user in users]
    viewed = np.any([user.view[:, :, levels].any(axis=(0, 1, 2, 4)) for user in users], axis=0)
    paying = np.any([paid(user).any(axis=0) for user in users], axis=0)
    for a, ad in enumerate(tables.ads):
        if not viewed[a]:
            reason = "can never be viewed: P(view) is 0 in every state"
        elif not paying[a]:
            reason = "never pays"
        else:
            reason = _reason(tables, compared, a)
        if reason:
            value = ad.model_dump(mode="json", include={"view_probability", "reward"}, exclude_none=True)
            yield Finding(f"ads.{ad.label}", value, f"{reason}; give it other numbers, or leave it out")
    if tables.scenario.session.no_ad and (reason := _reason(tables, compared, len(tables.ads))):
        yield Finding("session.no_ad", True, f"an empty slot {reason}; leave it out")
    if compared is None:
        text = f"are not compared: their values in all states are more than {LARGEST:,} numbers; take a smaller catalog"
        yield Finding("ads", len(tables.ads), text)


def _reason(tables: Tables, compared: ActionComparison | None, a: int) -> str:
    """Returns why an action is never shown by optimal play; empty if it is shown."""
    if compared is None:
        return ""
    labels = tables.spec.labels
    above = np.flatnonzero(compared.covered[a] & ~compared.covered[:, a])
    if len(above):
        by = above[np.argmax(compared.played[above])]
        return f"is dominated by {labels[by]}, which earns as much or more in every state"
    if not compared.best[a]:
        return f"is never best: it earns at least {compared.lost[a]:.3g} less than another, {labels[compared.rival[a]]}"
    if not compared.played[a]:
        return "is never best where optimal play leads, only in states that it avoids"
    return ""


def _without_ads(mechanisms: Mechanisms) -> Iterator[Finding]:
    tables = mechanisms.tables
    pays = np.any([paid(user).any(axis=1) for users in mechanisms.users for user in users], axis=0)
    for number, category in enumerate(tables.spec.categories):
        videos = mechanisms.category == number
        if videos.any() and pays.any() and not pays[videos].any():
            text = f"before the videos of category {category} no ad ever pays; add ads of it, or let others be viewed"
            by_number = any(isinstance(ad.view_probability, float) for ad in tables.ads)
            key = "user.mismatch" if by_number else "ads"
            yield Finding(key, tables.scenario.user.mismatch if by_number else len(tables.ads), text)


def _without_videos(mechanisms: Mechanisms) -> Iterator[Finding]:
    """Yields a finding for what is said of categories without videos, by groups of ads and by their probabilities."""
    tables = mechanisms.tables
    if (tables.category < 0).any():  # such a video may fit any ad
        return
    occurring = {tables.spec.categories[k] for k in np.unique(tables.category)}
    for ad in tables.ads:
        by_category = ad.view_probability if isinstance(ad.view_probability, dict) else {}
        for name, p in by_category.items():
            if not (occurring - (by_category.keys() - {OTHER}) if name == OTHER else {name} & occurring):
                text = "stands for no video; leave it out, or add videos"
                yield Finding(f"ads.{ad.label}.view_probability.{name}", p, text)
    for category in dict.fromkeys(ad.category for ad in tables.ads if isinstance(ad.view_probability, float)):
        if category not in occurring:
            names = [ad.name for ad in tables.ads if ad.category == category]
            text = "no video is of this category, so that these ads fit none; leave them out, or add videos"
            yield Finding(f"ads.{category}", names, text)

"""Keys that have no effect: with another value, no session of any agent would differ.

Decided by comparing the scenario with itself, the key at its off value, in every state that a session can reach. A
mechanism precedes its parts, which are looked at only where it has an effect.
"""

from collections.abc import Iterator
from itertools import combinations
from typing import Any

from preroll.envs.lint.finding import Finding
from preroll.envs.lint.mechanisms import Mechanisms, Path, stated_at
from preroll.envs.scenario.parts import Recommender
from preroll.envs.scenario.scenario import Scenario
from preroll.errors import PrerollError

#: Key, off value, and what to do where nothing differs from it. ``*`` stands for every key of its level.
_OFF: tuple[tuple[str, Any, str], ...] = (
    ("recall_weight", 0.0, "no video that an ad is viewed with is remembered; leave it out, or use another catalog"),
    (
        "user.mismatch",
        1.0,
        "every ad that can be viewed fits every video, or has P(view) by category or from the catalog; leave it out",
    ),
    ("user.repeat", 1.0, "no ad that can be viewed follows itself; leave it out, or let sessions have more slots"),
    ("user.position", {}, "leave it out, or give slots factors that change P(view)"),
    ("user.position.*", 1.0, "leave it out, or let sessions reach the slot with ads that can be viewed"),
    ("user.fatigue", {}, "no level that is reached counts; leave it out, or give a gain above recovery, and wear"),
    ("user.fatigue.wear", [], "leave it out, or give levels that sessions reach a factor other than 1"),
    ("user.fatigue.recovery", 0, "leave it out, or give gains that it can take back"),
    ("user.fatigue.gain", {}, "leave it out, or give a gain above recovery"),
    ("user.fatigue.gain.*", [0, 0], "leave it out, or give a gain that moves levels of ads that can be shown"),
    ("user.leave", {}, "leave it out, or give a hazard above 0, and sessions of more than one slot"),
    ("user.leave.fatigue", [], "leave it out, or give levels that sessions reach another number than 0"),
    ("user.leave.hazard", {}, "leave it out, or give a hazard above 0"),
    ("user.leave.hazard.*", [0.0, 0.0], "leave it out, or give it to ads that can be shown"),
    ("user.segments.*.leave", 1.0, "leave it out, or give user.leave a hazard"),
    ("user.segments.*.appeal", {}, "leave it out, or give a factor other than 1 to ads that can be viewed"),
    ("user.segments.*.appeal.*", 1.0, "leave it out, or give it to ads that can be viewed"),
)
#: What must be switched off with a mechanism, for the rest to be valid.
_TOGETHER: dict[str, dict[Path, Any]] = {"user.fatigue": {("user", "leave", "fatigue"): []}}
#: Other values of keys that have no off value.
_OTHER = {"jump": 0.5, "rank_decay": 0.5, "neighbors": 1}
#: Which mechanisms a part of the observation tells about; where none of them acts, it tells nothing.
_TELLS: dict[str, tuple[str, ...]] = {
    "fatigue": ("user.fatigue",),
    "segment": ("user.segments",),
    "memorability": ("recall_weight",),
    "last_ad": ("user.repeat", "user.fatigue", "user.segments", "drift"),
    "last_view": ("user.repeat", "user.fatigue", "user.segments", "drift"),
}


def without_effect(mechanisms: Mechanisms) -> list[Finding]:
    """Returns a finding for every key without effect."""
    found = [*_switched_off(mechanisms), *_segments(mechanisms), *_recommender(mechanisms), *_drift(mechanisms)]
    idle = any(finding.key == "user.fatigue" for finding in found)
    return [*found, *_never_reached(mechanisms, idle), *_observed(mechanisms)]


def _switched_off(mechanisms: Mechanisms) -> Iterator[Finding]:
    stated = [phase.model_dump(mode="json", exclude_defaults=True) for phase in mechanisms.phases]
    silent: list[Path] = [] if mechanisms.acting["user.segments"] else [("user", "segments")]
    for pattern, off, advice in _OFF:
        for path in dict.fromkeys(path for phase in stated for path in _paths(phase, tuple(pattern.split(".")))):
            values = [value for phase in stated if (value := stated_at(phase, path, off)) != off]
            if not values or any(path[: len(above)] == above for above in silent):
                continue
            if not mechanisms.changes_sessions({path: off, **_TOGETHER.get(pattern, {})}):
                silent.append(path)
                yield Finding(".".join(map(str, path)), values[0], f"has no effect: {advice}")


def _segments(mechanisms: Mechanisms) -> Iterator[Finding]:
    segments = mechanisms.tables.scenario.user.segments
    for i, segment in enumerate(segments):
        if not any(phase.user.segments[i].share for phase in mechanisms.phases):
            yield Finding(f"user.segments.{i}.share", 0, f"no user is of segment {segment.name}; leave it out")
    if not mechanisms.acting["user.segments"]:
        if len(segments) > 1:
            text = (
                "has no effect: all users who come answer alike; leave it out, or let appeal differ, or leave where "
                "user.leave has a hazard"
            )
            yield Finding("user.segments", [segment.name for segment in segments], text)
        return
    occurring = sorted({i for phase in mechanisms.segments for i in phase})
    for i, j in combinations(occurring, 2):
        if mechanisms.answer_alike(i, j):
            text = f"answers as segment {segments[i].name} does; let one have both shares"
            yield Finding(f"user.segments.{j}", segments[j].name, text)


def _recommender(mechanisms: Mechanisms) -> Iterator[Finding]:
    rules, default = mechanisms.tables.scenario.recommender, Recommender().model_dump()
    stated = {key: getattr(rules, key) for key in _OTHER if key in rules.model_fields_set}
    others = {key: _OTHER[key] if value == default[key] else default[key] for key, value in stated.items()}
    silent = {key: value for key, value in stated.items() if not mechanisms.recommender_matters(key, others[key])}
    if not mechanisms.videos_differ:
        why = "users answer alike before all videos"
    elif mechanisms.slots_reached <= len(mechanisms.tables.scenario.session.slots):
        why = "no session has a second video"
    else:
        why = "the next video does not depend on it"
    if silent and silent == stated:
        yield Finding("recommender", silent, f"has no effect: {why}; leave it out")
    else:
        yield from (Finding(f"recommender.{key}", silent[key], f"has no effect: {why}; leave it out") for key in silent)


def _drift(mechanisms: Mechanisms) -> Iterator[Finding]:
    for number, entry in enumerate(mechanisms.tables.scenario.drift):
        before = mechanisms.phases[number]
        if mechanisms.same_phase(number + 1, before):
            text = f"has no effect: sessions from {entry.from_session} on are as before; leave it out"
            yield Finding(f"drift.{number}.set", entry.set, text)
            continue
        for key, value in entry.set.items():
            others = {name: other for name, other in entry.set.items() if name != key}
            if others and _is_valid(before, others) and mechanisms.same_phase(number + 1, before.replace(others)):
                yield Finding(f"drift.{number}.set.{key}", value, "has no effect: it is so without it; leave it out")


def _never_reached(mechanisms: Mechanisms, idle: bool) -> Iterator[Finding]:
    scenario, slots, highest = mechanisms.tables.scenario, mechanisms.slots_reached, int(mechanisms.levels_reached[-1])
    if slots < scenario.n_slots:
        text = f"no session has more than {slots} of {scenario.n_slots} slots, as every user leaves; lower user.leave"
        yield Finding("session.horizon", scenario.session.horizon, text)
    if highest < scenario.user.fatigue.levels - 1 and not idle:
        text = f"no session comes above level {highest}; give fewer levels, or gains that reach them"
        yield Finding("user.fatigue.levels", scenario.user.fatigue.levels, text)


def _observed(mechanisms: Mechanisms) -> Iterator[Finding]:
    scenario = mechanisms.tables.scenario
    for part, told in _TELLS.items():
        if getattr(scenario.observe, part) and not any(mechanisms.acting[name] for name in told):
            text = f"tells nothing that counts: {', '.join(told)} without effect; leave it out"
            yield Finding(f"observe.{part}", True, text)
    if scenario.observe.position and len(scenario.session.slots) == 1:
        yield Finding("observe.position", True, "tells nothing: a video has one slot; leave it out, or add slots")


def _is_valid(scenario: Scenario, changes: dict[str, Any]) -> bool:
    try:
        scenario.replace(changes)
    except PrerollError:
        return False
    return True


def _paths(node: Any, pattern: tuple[str, ...]) -> Iterator[Path]:
    """Yields every path of plain settings that a pattern matches."""
    if not pattern:
        yield ()
        return
    keys = list(node) if isinstance(node, dict) else list(range(len(node))) if isinstance(node, list) else []
    for key in keys:
        if pattern[0] in ("*", key):
            yield from ((key, *rest) for rest in _paths(node[key], pattern[1:]))

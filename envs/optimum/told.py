"""What the named parts of an observation tell of a video's true values, taken at their word.

The part ``category`` tells the most probable category, or, for a video without a label, probabilities that are the
truth; of P(view) by video and ad, the mean over the videos of which it tells the same. ``memorability`` tells a video's
place among all. A part that is absent, or says nothing of a video, leaves the mean. ``content`` tells neither.
"""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from preroll.envs.kernel import layout
from preroll.envs.model.response import match_table
from preroll.envs.model.tables import Tables
from preroll.envs.optimum.dynamic_program import DynamicProgram

Floats = NDArray[np.float64]
#: What ``match`` is a true value of: the category, or the video itself, where P(view) comes from the catalog.
CATEGORY, RESPONSE = "category", "response"
ROUNDING = 1e-10  # relative difference up to which values are equal


def true_values(program: DynamicProgram) -> dict[str, Floats]:
    """Returns the rows of ``match`` and ``reward`` of every video, float64 [N, A] each, by the name of their part."""
    match = program.tables.arrays.match[program.phase]
    name = RESPONSE if program.tables.response_of_videos else CATEGORY
    return {name: match[program.kind], "memorability": program.reward[program.kind]}


def true_categories(tables: Tables) -> Floats:
    """Returns the probability of every category of every video, float64 [N, K]: 1 for that of its label."""
    certain, predicted = np.eye(len(tables.spec.categories)), tables.catalog.category_probabilities
    return np.where(tables.category[:, None] >= 0, certain[tables.category], 0.0 if predicted is None else predicted)


def told_values(program: DynamicProgram) -> dict[str, Floats]:
    """Returns those of :func:`true_values` that differ from what the parts tell, as they are told."""
    tell = {CATEGORY: _category, RESPONSE: _response, "memorability": _memorability}
    truth = true_values(program)
    told = {name: tell[name](program, rows) for name, rows in truth.items()}
    return {name: rows for name, rows in told.items() if not np.allclose(rows, truth[name], rtol=ROUNDING, atol=0)}


def believing(program: DynamicProgram, told: dict[str, Floats]) -> DynamicProgram:
    """Returns the program in which some of the true values of all videos are others."""
    tables, n_actions = program.tables, program.tables.n_actions
    by_video = np.concatenate(list({**true_values(program), **told}.values()), axis=1)
    rows, kind = np.unique(by_video, axis=0, return_inverse=True)
    rows = np.tile(rows, (tables.n_phases, 1, 1))
    records = tables.packed.records.copy()
    records[:, layout.KIND] = kind.reshape(-1)
    arrays = tables.arrays._replace(match=rows[..., :n_actions], reward=rows[..., n_actions:])
    believed = replace(tables, arrays=arrays, packed=tables.packed._replace(records=records))
    return DynamicProgram(believed, program.phase, program.segment)


def _part(tables: Tables, name: str) -> NDArray[np.float64]:
    """Returns a part of every video's observation; no columns if it is absent."""
    parts = tables.layout.parts
    return tables.arrays.rows[:, parts[name].slice if name in parts else slice(0)].astype(np.float64)


def _category(program: DynamicProgram, truth: Floats) -> Floats:
    tables, shown = program.tables, _part(program.tables, "category")
    told = np.tile(truth.mean(axis=0), (len(truth), 1))
    if shown.any():
        labeled, certain = tables.category[:, None] >= 0, np.eye(shown.shape[1])[shown.argmax(axis=1)]
        phase, relevance = tables.scenario.phases[program.phase][1], np.where(labeled, certain, shown)
        match = match_table(phase, relevance, tables.spec.categories)
        told = np.where(shown.any(axis=1, keepdims=True), match, told)
    return told


def _memorability(program: DynamicProgram, truth: Floats) -> Floats:
    """Returns the reward at the video's place among all; where none is told, the mean over videos of its category."""
    quantile, category = _part(program.tables, "memorability"), _part(program.tables, "category")
    told, key = truth, category.argmax(axis=1) if category.any() else np.zeros(len(truth))
    if quantile.size:
        told, key = np.empty_like(truth), quantile[:, 0]
        told[np.argsort(key, kind="stable")] = truth[np.argsort(truth.sum(axis=1), kind="stable")]
    return _mean_of_alike(key, told)


def _response(program: DynamicProgram, truth: Floats) -> Floats:
    """Returns the mean over the videos of which the part ``category`` tells the same; over all where it is absent."""
    shown = _part(program.tables, "category")
    return _mean_of_alike(
        np.where(shown.any(axis=1), shown.argmax(axis=1), -1) if shown.size else np.zeros(len(truth)), truth
    )


def _mean_of_alike(key: NDArray[Any], rows: Floats) -> Floats:
    """Returns for every video the mean of the rows of those with the same key, float64 [N, A]."""
    _, group = np.unique(key, return_inverse=True)
    total = np.zeros((group.max() + 1, rows.shape[1]))
    np.add.at(total, group, rows)
    return np.asarray((total / np.bincount(group)[:, None])[group])

"""Where agents lose, as tables of texts and of numbers."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from preroll.envs.optimum.explanation import AD, CATEGORY, FATIGUE, MAP, SESSION, Explanation
from preroll.shown.amounts import digits_of
from preroll.simulations.statistics.intervals import Mean, fixed

if TYPE_CHECKING:
    import pandas as pd

#: Splits that are listed, with what stands before the name of a part.
LISTED = {CATEGORY: "", FATIGUE: "level ", SESSION: "slots ", AD: ""}
MOST = 12  # parts of a split that are listed


def largest(lost: Mapping[str, float]) -> list[str]:
    """Returns all parts in their order; of very many those where most is lost."""
    most = set(sorted(lost, key=lambda part: -lost[part])[:MOST])
    return [part for part in lost if part in most]


def part_name(split: str, part: str) -> str:
    """Returns a part as it is listed; a part of the session may be one slot.

    >>> part_name("session", "1 to 5"), part_name("session", "7"), part_name("fatigue", "2")
    ('slots 1 to 5', 'slot 7', 'level 2')
    """
    return ("slot " if split == SESSION and " to " not in part else LISTED[split]) + part


def loss_table(explanation: Explanation) -> tuple[list[str], list[list[str]]]:
    """Formats what is lost by category, fatigue level, part of the session and ad.

    Splits with a single part say nothing and are left out.

    Returns:
        Headings, and the texts of every row.

    Examples:
        >>> from preroll.envs import Optimum, Tables, random_policy
        >>> tables = Tables.compile("classic", "demo")
        >>> for row in loss_table(Optimum(tables).explain(random_policy(tables)))[1][:4]:
        ...     print(row)
        ['category', 'cars', '2.030', '11.29']
        ['', 'cats', '2.654', '14.76']
        ['', 'concerts', '3.102', '17.25']
        ['session', 'slots 1 to 5', '1.947', '10.83']
    """
    rows, digits = [], digits_of(explanation.optimum)
    for split in LISTED:
        parts, total = largest(explanation.lost[split]), len(explanation.lost[split])
        if total > 1:
            texts = [
                [
                    part_name(split, part),
                    fixed(explanation.lost[split][part], digits),
                    _percent(explanation, split, part),
                ]
                for part in parts
            ]
            if total > len(parts):
                texts.append([f"… and {total - len(parts):,} more", "", ""])
            rows += [[split if i == 0 else "", *text] for i, text in enumerate(texts)]
    return ["split", "part", "lost", "% of optimum"], rows


def loss_map(explanation: Explanation) -> dict[str, list[float]]:
    """Returns what is lost at every fatigue level, in percent of the optimum, by category; of very many the largest."""
    lost = explanation.lost
    return {
        category: [explanation.percent_of(lost[MAP][f"{category} × {level}"]) for level in lost[FATIGUE]]
        for category in largest(lost[CATEGORY])
    }


def frame(explanations: Mapping[str, Explanation]) -> "pd.DataFrame":
    """Returns one row a part with its numbers, unrounded, and the name of the run in the column ``run``."""
    import pandas as pd

    return pd.concat([one.to_frame().assign(run=name) for name, one in explanations.items()], ignore_index=True)


def _percent(explanation: Explanation, split: str, part: str) -> str:
    value = explanation.percent_of(explanation.lost[split][part])
    if explanation.half_widths is None:
        return fixed(value, 2)
    return Mean(value, explanation.percent_of(explanation.half_widths[split][part])).text(2, 0, 100)

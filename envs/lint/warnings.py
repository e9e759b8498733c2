"""All warnings about a scenario on a catalog."""

from preroll.envs.lint.action_values import compare_actions
from preroll.envs.lint.ads import useless_ads
from preroll.envs.lint.effects import without_effect
from preroll.envs.lint.finding import Finding
from preroll.envs.lint.mechanisms import Mechanisms
from preroll.envs.lint.visibility import hidden
from preroll.envs.model.tables import Tables


def warnings_about(tables: Tables) -> list[Finding]:
    """Returns what in a valid scenario is probably not meant: hidden mechanisms, keys without effect, useless ads.

    All of it is decided exactly, by what users answer in the states that sessions reach, and by the optimum.

    Args:
        tables: a compiled scenario.
    """
    mechanisms = Mechanisms(tables)
    compared = compare_actions(tables)
    return [
        *hidden(mechanisms, compared),
        *without_effect(mechanisms),
        *useless_ads(mechanisms, compared),
    ]

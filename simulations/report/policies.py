"""Pictures of what agents show."""

import base64
from contextlib import suppress
from dataclasses import dataclass

from preroll.envs.optimum.phases import PhasedOptimum
from preroll.envs.policies.policy_map import policy_map
from preroll.envs.rendering.policy_plot import policy_png
from preroll.errors import PrerollError
from preroll.simulations.report.data import Material


@dataclass(frozen=True)
class Picture:
    """PNG inside of the page.

    Attributes:
        caption: whose policy it shows.
        png: content of the file.
    """

    caption: str
    png: bytes

    @property
    def content(self) -> str:
        """Content of the file in base 64."""
        return base64.b64encode(self.png).decode()


def policy_pictures(material: Material, point: str) -> list[Picture]:
    """Draws the policies of the optimum and of every learner with its first seed, where tables are wanted and exist."""
    tables = material.tables(point)
    found = {"optimum": PhasedOptimum(tables).references["optimum"]}
    for name in material.learners:
        for cell in material.cells(point, name)[:1]:
            with suppress(PrerollError):  # too many states for a table
                if cell.exact:
                    found[f"{name}, seed {cell.seed}"] = material.run(cell).load_agent().policy(tables)
    return [Picture(name, policy_png(tables, policy_map(tables, policy))) for name, policy in found.items()]

"""Pictures of what agents show."""

import base64
from dataclasses import dataclass

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
    tables, pictures = material.tables(point), []
    for name in (*(["optimum"] if "optimum" in material.agents else []), *material.learners):
        for cell in material.cells(point, name)[:1]:
            if not cell.exact and name != "optimum":
                continue
            try:
                policy = material.run(cell).load_agent().policy(tables)
            except PrerollError:  # too many states for a table
                continue
            pictures.append(Picture(f"{name}, seed {cell.seed}", policy_png(tables, policy_map(tables, policy))))
    return pictures

"""Settings of a training run, and their command line."""

import argparse
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """Settings of a training run.

    Attributes:
        pictures: number of pictures rendered for training.
        held_out: number of pictures for evaluation.
        drawings: drawings per class for the training pictures; held-out pictures use others.
        cpu_minutes: processor time after which training stops early.
        seed: seed of the pictures and of the network's initial weights.
    """

    pictures: int
    held_out: int
    drawings: int
    cpu_minutes: float
    seed: int = 0

    def command(self, module: str) -> str:
        """Returns the command that trains with these settings."""
        flags = f"--seed {self.seed} --pictures {self.pictures} --drawings {self.drawings}"
        return f"python -m {module} --out DIR {flags}"


def read_arguments(arguments: list[str] | None, description: str, usual: Settings) -> tuple[Path, Settings]:
    """Parses the command line.

    Returns:
        The folder for the network and its card, and the settings, with the defaults ``usual``.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--out", type=Path, required=True, help="folder for the network and its card")
    parser.add_argument("--seed", type=int, default=usual.seed, help="two runs with one seed are equal")
    parser.add_argument("--pictures", type=int, default=usual.pictures, help="number of pictures to render")
    parser.add_argument("--held-out", type=int, default=usual.held_out, help="number of pictures to measure on")
    parser.add_argument("--drawings", type=int, default=usual.drawings, help="drawings per class")
    parser.add_argument("--cpu-minutes", type=float, default=usual.cpu_minutes, help="end training early after this")
    given = vars(parser.parse_args(arguments))
    return given.pop("out"), Settings(**given)

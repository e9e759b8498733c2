"""Short names of runs in one table or chart."""

from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path

from preroll.simulations.training.run import Run


def once(paths: Sequence[Path]) -> tuple[list[Path], list[str]]:
    """Returns every folder of runs once, as it is named first, and lines about those that are named more often.

    Examples:
        >>> once([Path("runs/a"), Path("runs/b"), Path("runs/b/../a")])[1]
        ['runs/a: is named more than once, and counts once']
    """
    places = Counter(path.resolve() for path in paths)
    first = {path.resolve(): path for path in reversed(paths)}
    return [first[place] for place in places], [
        f"{first[place]}: is named more than once, and counts once" for place, times in places.items() if times > 1
    ]


def named(runs: Sequence[Run], taken: Collection[str] = ()) -> dict[str, Run]:
    """Returns runs by their names, of :func:`names_of`."""
    return dict(zip(names_of([run.path for run in runs], taken), runs, strict=True))


def names_of(paths: Sequence[Path], taken: Collection[str] = ()) -> list[str]:
    """Returns the last part of every path, or as many as tell it from the other paths and from what is taken.

    Args:
        paths: folders of runs.
        taken: names that stand for something else, such as references.

    Examples:
        >>> from pathlib import Path
        >>> names_of([Path("runs/mon/ppo"), Path("runs/tue/ppo"), Path("runs/dqn"), Path("runs/greedy")], ["greedy"])
        ['mon/ppo', 'tue/ppo', 'dqn', 'runs/greedy']
    """
    whole = [path.absolute() for path in paths]
    return [_name(path, {other for other in whole if other != path}, taken) for path in whole]


def _name(path: Path, others: Collection[Path], taken: Collection[str]) -> str:
    parts = path.parts[1:]
    for k in range(1, len(parts)):
        name = "/".join(parts[-k:])
        if name not in taken and all(other.parts[-k:] != parts[-k:] for other in others):
            return name
    return str(path)

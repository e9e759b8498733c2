"""Names that are meant where a name is unknown: what errors about it say first."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path


def meant(name: object, names: Iterable[object], *, most: int = 3) -> str:
    """Returns the end of a sentence that asks whether one of the ``most`` similar names is meant, or nothing.

    >>> meant("Thomson", ["random", "thompson"]), meant("x", ["random"])
    ('; did you mean thompson?', '')
    """
    if not isinstance(name, str | Path):
        return ""
    plain = {str(one).casefold(): str(one) for one in names}
    near = get_close_matches(str(name).casefold(), plain, n=most)
    return f"; did you mean {either([plain[one] for one in near])}?" if near else ""


def either(names: Sequence[str]) -> str:
    """Returns names between which to choose.

    >>> either(["a"]), either(["a", "b", "c"])
    ('a', 'a, b or c')
    """
    *first, last = names
    return f"{', '.join(first)} or {last}" if first else last


def known(name: object, told: str, names: Iterable[object]) -> str:
    """Returns which names there are, as a message goes on with it: what is meant first, then all of them.

    >>> known("pp", "agents are", ["random", "ppo"]), known("x", "agents are", ["random", "ppo"])
    ('did you mean ppo? Agents are random, ppo', 'agents are random, ppo')
    """
    listed = [str(one) for one in names]
    question = meant(name, listed).removeprefix("; ")
    told = f"{question} {told[0].upper()}{told[1:]}" if question else told
    return f"{told} {', '.join(listed)}"


def neighbors(path: Path, pattern: str = "*/") -> list[Path]:
    """Returns the folders beside a path, or the files of a pattern, whose names are like its own and not its own.

    The path itself may be there, and be something else than what is wanted.
    """
    try:
        names = [one.name for one in path.parent.glob(pattern)]
        return sorted(
            path.parent / name
            for name in names
            if not name.startswith(".") and name != path.name and meant(path.stem, [Path(name).stem])
        )
    except OSError:
        return []

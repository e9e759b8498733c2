"""Check that a trained agent fits a scenario."""

from preroll.envs.model.observation import SessionSpec
from preroll.errors import PrerollError


def check_fit(name: str, made_for: SessionSpec, spec: SessionSpec) -> None:
    """Checks that an agent, which messages call ``name``, was ``made_for`` the observations and ads of ``spec``.

    Raises:
        PrerollError: it was not; the message says what differs.
    """
    for what, theirs, ours in (
        ("ads", tuple(made_for.labels), tuple(spec.labels)),
        ("categories", tuple(made_for.categories), tuple(spec.categories)),
        ("observations", tuple(made_for.layout.parts), tuple(spec.layout.parts)),
        ("size of observations", made_for.layout.size, spec.layout.size),
    ):
        if theirs != ours:
            told = f"has {ours}, not {theirs}"
            if isinstance(theirs, tuple) and isinstance(ours, tuple):
                told = _difference(theirs, ours)
            raise PrerollError(f"agent {name}: was trained with other {what}: scenario {spec.name} {told}")


def _difference(theirs: tuple[str, ...], ours: tuple[str, ...]) -> str:
    """Returns what ours have beside theirs and what they lack.

    >>> _difference(("a.short", "a.long"), ("a.short", "b.long", "none"))
    'also has b.long and the empty slot, none; lacks a.long'
    """
    more, less = ([one for one in these if one not in those] for those, these in ((theirs, ours), (ours, theirs)))
    both = (("also has", more), ("lacks", less))
    return "; ".join(f"{word} {_listed(names)}" for word, names in both if names) or "has them in another order"


def _listed(names: list[str]) -> str:
    *first, last = ("the empty slot, none" if name == "none" else name for name in names)
    return f"{', '.join(first)} and {last}" if first else last

"""Origin of every finished cell: the versions, the code and the machine that its training and evaluation ran on."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

MACHINE = "machine"

#: Version by package, ``code`` and ``machine``; what is not known is left out.
Origin = Mapping[str, str]


def origin_of(provenance: Mapping[str, Any]) -> Origin:
    """Returns a provenance in words.

    Examples:
        >>> origin_of({"versions": {"torch": "2.8.0"}, "git": "5eed", "changed": True, "machine": None})
        {'torch': '2.8.0', 'code': '5eed (changed)'}
    """
    code = str(provenance["git"] or "no repository") + (" (changed)" if provenance["changed"] else "")
    told = {**provenance["versions"], "code": code, MACHINE: provenance["machine"]}
    return {name: text for name, text in told.items() if text is not None}


def differences(origin: Origin, other: Origin) -> dict[str, str]:
    """Returns the entries of ``origin`` that ``other`` has otherwise, the machine aside.

    Examples:
        >>> differences({"torch": "2.7.1", "numpy": "2.4.1"}, {"torch": "2.8.0", "numpy": "2.4.1"})
        {'torch': '2.7.1'}
    """
    return {name: text for name, text in origin.items() if name != MACHINE and other.get(name, text) != text}


def told(entries: Origin) -> str:
    """Returns entries as one text, such as ``torch 2.7.1, code 5eed``."""
    return ", ".join(f"{name} {text}" for name, text in entries.items())


def most_common(origins: Iterable[Origin]) -> dict[str, str]:
    """Returns the entries that most of the ``origins`` have, version by version; the first of equally many."""
    return {name: counts.most_common(1)[0][0] for name, counts in _counts(origins).items()}


def in_words(origins: Iterable[Origin]) -> dict[str, str]:
    """Returns the values of all ``origins`` by name, with the number of cells where there are several.

    Examples:
        >>> in_words([{"torch": "2.8.0"}, {"torch": "2.7.1"}, {"torch": "2.8.0"}])
        {'torch': '2.8.0 (2 of 3 cells), 2.7.1 (1 of 3 cells)'}
    """
    return {name: _shares(counts) for name, counts in _counts(origins).items()}


def _shares(counts: Counter[str]) -> str:
    if len(counts) == 1:
        return next(iter(counts))
    return ", ".join(f"{text} ({number} of {counts.total()} cells)" for text, number in counts.most_common())


def _counts(origins: Iterable[Origin]) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = {}
    for origin in origins:
        for name, text in origin.items():
            found.setdefault(name, Counter())[text] += 1
    return found

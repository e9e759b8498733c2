"""What a folder holds, as facts that can be compared: every entry of every JSON, the hash of every other file."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

Facts = dict[str, Any]

#: Of whom nobody but their owner may touch a byte.
BYSTANDERS = (
    ".mine.old/keep.txt",
    ".deep.old/keep.txt",
    "notes.txt",
    ".DS_Store",
    "unrelated/own.bin",
    ".catalog.new/keep.txt",
)
#: Entries that tell how a result came about, which a resumed work tells otherwise.
HISTORY = re.compile("provenance|code|git|changed|machine|threads|versions|cost|seconds|time|seal|sha256|bytes")


def add_bystanders(folder: Path) -> None:
    """Puts a stranger's files into ``folder``, some under names that remind of work folders."""
    for name in BYSTANDERS:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"mine, not yours: {name}\n")


def facts(folder: Path) -> Facts:
    """Returns all facts about the files below ``folder``, by ``name`` or ``name#key.key``."""
    found: Facts = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink() or not path.is_dir():
            found.update(_facts_of(path, name))
        elif not any(path.iterdir()):
            found[f"{name}/"] = "empty folder"
    return found


def _facts_of(path: Path, name: str) -> Iterator[tuple[str, Any]]:
    data = path.read_bytes()
    if path.suffix == ".json":
        try:
            content = json.loads(data)
        except (ValueError, RecursionError):
            pass
        else:
            yield name, "JSON"
            yield from _entries(content, f"{name}#")
            return
    yield name, hashlib.sha256(data).hexdigest()


def _entries(value: Any, key: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict | list):
        for name, entry in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _entries(entry, f"{key}.{name}")
    else:
        yield key, value


def volatile(one: Mapping[str, Any], *others: Mapping[str, Any]) -> set[str]:
    """Returns the facts that differ between undisturbed runs of the same command: times, and hashes of them."""
    return {name for other in others for name in {*one, *other} if one.get(name) != other.get(name)}


def differences(found: Mapping[str, Any], expected: Mapping[str, Any], leave_out: set[str]) -> list[str]:
    """Returns what is not as expected, the worst first: what bystanders lost, what is missing, what is different."""
    lines = []
    for name in sorted({*found, *expected}, key=lambda name: (not is_bystanders(name), name)):
        if found.get(name) == expected.get(name) or name in leave_out or HISTORY.search(name.partition("#")[2]):
            continue
        was, now = (str(one[name])[:60] if name in one else "absent" for one in (expected, found))
        lines.append(f"{name}: {now}, not {was}")
    return lines


def is_bystanders(name: str) -> bool:
    """Returns whether a fact is about a stranger's file."""
    return name in BYSTANDERS

"""YAML from strangers, read by the core schema of YAML 1.2 and no further than its limits; and YAML that reads back."""

import io
import re
import sys
from collections.abc import Mapping
from copy import deepcopy
from functools import lru_cache
from math import inf
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.emitter import Emitter
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.resolver import VersionedResolver
from ruamel.yaml.scanner import Scanner

from preroll.bounded.readers import read_text
from preroll.console.nearest import meant, neighbors
from preroll.console.output import escaped
from preroll.errors import PrerollError

#: Most values of a text and most levels of nesting, aliases resolved: a few lines can stand for billions.
LARGEST, DEEPEST = 100_000, 100
#: Most bytes of a text, and most values that it writes out, of which 40,000 take a second to be read. A scenario of
#: 1,000 categories with three ads each has 200 KB, 31,000 values and 4 levels.
TEXT, WRITTEN = 1_000_000, 40_000
#: Most characters of a whole number, since Python itself writes no number of many thousand digits.
LONGEST = 1_000
#: The core schema of YAML 1.2 (section 10.3.2 of the specification), and the merge key, which is from YAML 1.1.
_CORE_SCHEMA = [
    (f"tag:yaml.org,2002:{tag}", re.compile(f"(?:{rule})$"))
    for tag, rule in {
        "null": r"~|null|Null|NULL|",
        "bool": r"true|True|TRUE|false|False|FALSE",
        "int": r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+",
        "float": r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        "merge": r"<<",
    }.items()
]


class _CoreSchema(VersionedResolver):
    """Types of plain scalars, whatever version a ``%YAML`` line names.

    ruamel.yaml's own rules also read dates, ``1_000`` and ``0b1``, and read ``.5e3`` as text.
    """

    processing_version = (1, 2)
    # All rules for every first character that one of them allows: ruamel.yaml looks them up by it.
    versioned_resolver = dict.fromkeys(["", *"~nNtTfF<.+-0123456789"], _CORE_SCHEMA)


class _Emitter(Emitter):
    """Emitter that breaks plain text in its spaces alone, and quotes what ruamel.yaml itself could not read back."""

    def analyze_scalar(self, scalar: str) -> Any:
        found = super().analyze_scalar(scalar)
        found.allow_flow_plain &= not scalar.startswith((":", "?"))
        found.allow_single_quoted &= "\x85" not in scalar
        return found

    def write_plain(self, text: str, split: bool = True) -> None:
        width, self.best_width = self.best_width, sys.maxsize  # it would part keys from values, and end lines in spaces
        for i, words in enumerate(re.split(r"(?<=\S) (?=\S)", text)):
            if i and split and self.column > width:
                self.write_indent()
            super().write_plain(words)
        self.best_width = width

    def write_double_quoted(self, text: str, split: bool = True) -> None:
        super().write_double_quoted(text, split=False)  # it would break after an escape, and read a space there


class _Scanner(Scanner):
    """Scanner that looks no further into brackets within brackets than they may nest."""

    def fetch_flow_collection_start(self, *arguments: Any, **named: Any) -> None:
        if self.flow_level > DEEPEST:
            raise RecursionError
        super().fetch_flow_collection_start(*arguments, **named)


class _Composer(Composer):
    """Composer that ends where a text has more values than allowed, not at the end of the text."""

    composed = 0

    def compose_node(self, *arguments: Any) -> Any:
        self.composed += 1
        if self.composed > WRITTEN:
            raise RecursionError
        return super().compose_node(*arguments)


def load_yaml(path: Path) -> dict[str, Any]:
    """Reads a YAML mapping.

    Raises:
        PrerollError: the file is missing, not YAML, not a mapping, or has a key twice.
    """
    try:
        text = read_text(path, TEXT)
    except OSError as error:
        near = meant(path, neighbors(path, "*.y*ml")) if isinstance(error, FileNotFoundError) else ""
        raise PrerollError(f"{path}: cannot be read: {error.strerror}{near}") from None
    except UnicodeDecodeError:
        raise PrerollError(f"{path}: is not UTF-8 text") from None
    except ValueError as error:
        raise PrerollError(f"{path}: {error}") from None
    return parse_yaml(text, str(path))


def load_named(path: Path, *, punctuation: str = "-_", longest: int = 64) -> dict[str, Any]:
    """Reads a YAML mapping whose ``name`` is by default that of its file, with ``-`` where a name may not hold it."""
    kept = "".join(one if one.isalpha() or one.isdecimal() or one in punctuation else "-" for one in path.stem)
    return {"name": kept[:longest], **load_yaml(path)}


def parse_yaml(text: str, source: str) -> dict[str, Any]:
    """Reads a YAML mapping from ``text``; errors name it ``source``."""
    value = parse_value(text, source)
    if not isinstance(value, dict):
        raise PrerollError(f"{source}: a mapping of keys to values is expected, not {type(value).__name__}")
    return value


def parse_value(text: str, source: str) -> Any:
    """Reads any YAML value from ``text``; errors name it ``source``."""
    try:
        return deepcopy(_parsed(text))
    except RecursionError:
        allowed = f"at most {LARGEST:,} values and {DEEPEST} levels are allowed, aliases resolved"
        written = f"{LONGEST:,} digits; as written {WRITTEN:,} values and {TEXT:,} bytes"
        raise PrerollError(f"{source}: holds too much: {allowed}, {written}") from None
    except (YAMLError, ValueError, TypeError, LookupError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        what = getattr(error, "problem", None) or str(error).split("\n")[0]
        raise PrerollError(f"{source}{where}: is not valid YAML: {what}") from None


@lru_cache(maxsize=16)
def _parsed(text: str) -> Any:
    """Returns the value of a text; kept, for every cell of an experiment reads one and the same scenario."""
    if len(text) > TEXT:
        raise RecursionError
    yaml = _yaml()
    node = yaml.compose(text)
    size, depth = _extent(node, {})
    if size > LARGEST or depth > DEEPEST:
        raise RecursionError
    return yaml.constructor.construct_document(node) if node else None


def _extent(node: Node | None, known: dict[int, tuple[float, float]]) -> tuple[float, float]:
    """Returns how many nodes a node stands for and how deep they nest; a node within itself is endless."""
    if id(node) not in known:
        known[id(node)] = inf, inf
        below = [_extent(child, known) for child in _children(node)]
        known[id(node)] = 1 + sum(size for size, _ in below), 1 + max((depth for _, depth in below), default=0)
    return known[id(node)]


def _children(node: Node | None) -> list[Node]:
    """Returns the nodes in a node, and refuses a key that occurs twice, which ruamel.yaml overlooks beside ``<<``."""
    if isinstance(node, ScalarNode) and str(node.tag).endswith(":int") and len(node.value) > LONGEST:
        raise RecursionError
    if not isinstance(node, MappingNode):
        return node.value if isinstance(node, SequenceNode) else []
    seen = set()
    for key, _ in node.value:
        if isinstance(key, ScalarNode) and (key.tag, key.value) in seen:
            raise DuplicateKeyError(problem=f"key {key.value!r} occurs twice", problem_mark=key.start_mark)
        seen.add((key.tag, str(key.value)))
    return [child for pair in node.value for child in pair]


def _yaml() -> YAML:
    """Returns a reader and writer of plain values; one that met an error is not used again."""
    yaml = YAML(typ="safe", pure=True)
    yaml.Resolver, yaml.Emitter, yaml.Scanner, yaml.Composer = _CoreSchema, _Emitter, _Scanner, _Composer
    yaml.composer.warn_double_anchors = False
    yaml.representer.sort_base_mapping_type_on_output = False
    yaml.width = 110
    return yaml


def dump_yaml(value: Mapping[str, Any]) -> str:
    """Returns a mapping as YAML text, keys in their own order."""
    text = io.StringIO()
    _yaml().dump(dict(value), text)
    if escaped(text.getvalue()) == text.getvalue():
        return text.getvalue()
    text, yaml = io.StringIO(), _yaml()
    yaml.allow_unicode = False  # what turns the direction of writing is escaped here, so that it is read back
    yaml.dump(dict(value), text)
    return text.getvalue()

"""Reader and writer of YAML settings, and base of their models: strict about keys and types, with one-line errors."""

import io
import re
import sys
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import lru_cache
from math import inf
from numbers import Real
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import CoreConfig, CoreSchema, PydanticKnownError, SchemaValidator
from pydantic_core.core_schema import no_info_before_validator_function, no_info_wrap_validator_function
from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.emitter import Emitter
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.resolver import VersionedResolver
from ruamel.yaml.scanner import Scanner

from preroll.bounded.readers import read_text
from preroll.console.nearest import known, meant, neighbors
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
#: What a field of each type takes, and pydantic's error about anything else.
_TAKEN: dict[str, tuple[type, Any]] = {
    "bool": (bool, "bool_type"),
    "int": (Real, "int_type"),  # 1e3 is a whole number too
    "float": (Real, "float_type"),
    "str": (str, "string_type"),
}
#: What patterns of names stand for, in words.
_PATTERNS = {
    r"^[\w-]+$": "letters, digits, _ and -",
    r"^[\w.-]+$": "letters, digits, _, - and .",
    r"^[^\x00-\x1f*]+$": "text of at least one character, none of them * or a control character",
    "^[0-9a-f]{64}$": "64 digits of 0 … 9 and a … f",
}
Model = TypeVar("Model", bound=BaseModel)


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


@dataclass(frozen=True)
class _Check:
    """Check of a value before pydantic would convert it; ``expected`` are the values of a ``Literal``."""

    kind: str
    expected: list[Any]

    def __call__(self, value: Any) -> Any:
        truth = isinstance(value, bool)
        if self.kind == "literal":
            if any(one == value and isinstance(one, bool) != truth for one in self.expected):  # True == 1 in Python
                raise PydanticKnownError("literal_error", {"expected": " or ".join(map(repr, self.expected))})
            return value
        allowed, wrong = _TAKEN[self.kind]
        if not isinstance(value, allowed) or truth != (self.kind == "bool"):
            raise PydanticKnownError(wrong)
        return value


@dataclass(frozen=True)
class _MappingOrNone:
    """Validation of a mapping or something else, whose errors are of what was given; pydantic's own are of both."""

    mapping: SchemaValidator
    other: SchemaValidator

    def __call__(self, value: Any, _: Any) -> Any:
        return (self.mapping if isinstance(value, Mapping) else self.other).validate_python(value)


def _by_shape(union: Any) -> Any:
    """Returns the schema of a union as it is, or chosen by the value's shape where one of two choices is a mapping."""
    choices = sorted(union["choices"], key=lambda choice: choice.get("type") != "dict")
    if [choice.get("type") == "dict" for choice in choices] != [True, False]:
        return union
    config = CoreConfig(allow_inf_nan=False)
    return no_info_wrap_validator_function(_MappingOrNone(*(SchemaValidator(one, config) for one in choices)), union)


def _checked(schema: Any) -> Any:
    """Returns a part of a schema of pydantic with checks of all that is no container."""
    if isinstance(schema, list | tuple):
        return type(schema)(map(_checked, schema))
    if not isinstance(schema, dict):
        return schema
    kind = schema.get("type")
    done = str(kind).startswith("function-") and isinstance(schema["function"]["function"], _Check | _MappingOrNone)
    if done:  # of a model inside
        return schema
    # A default, and how a value is written, are no part of what is read, though they may look like one.
    inside = {key: one if key in ("default", "serialization") else _checked(one) for key, one in schema.items()}
    if kind == "union":
        return _by_shape(inside)
    if kind not in (*_TAKEN, "literal"):
        return inside
    return no_info_before_validator_function(_Check(kind, schema.get("expected", [])), inside)


class FileModel(BaseModel):
    """Immutable model without unknown keys, infinite numbers and conversions.

    Pydantic by itself reads ``true``, ``'1'`` and ``'1_000'`` as numbers, and ``1`` and ``'yes'`` as true. A field of
    any type made of numbers, truth values and texts, however deep, is checked here without another word.

    Examples:
        >>> from preroll.yaml_config import FileModel
        >>> class Clip(FileModel):
        ...     seconds: tuple[int, float]
        >>> Clip(seconds=(1e3, 1))
        Clip(seconds=(1000, 1.0))
        >>> Clip(seconds=(True, "1"))
        Traceback (most recent call last):
        pydantic_core._pydantic_core.ValidationError: 2 validation errors for Clip
        ...
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler, /) -> CoreSchema:
        """Returns pydantic's schema with a check before every number, truth value and text."""
        found: CoreSchema = _checked(handler(source))
        return found


def validated(model: type[Model], value: Any, source: str) -> Model:
    """Returns an instance of ``model`` built from plain values.

    Raises:
        PrerollError: one line with source, key, value and allowed range of the first error, and the number of others.
    """
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise PrerollError(f"{source}: {explain(error, model)}") from None


def explain(error: ValidationError, model: type[BaseModel] | None = None) -> str:
    """Returns the first finding of a pydantic error as one line; ``model`` adds known keys and the allowed range."""
    found = error.errors(include_url=False)
    # A wrong item makes pydantic call its list too short as well: what lies above another finding is its consequence.
    found = [one for one in found if not any(_above(one["loc"], other["loc"]) for other in found)]
    found.sort(key=lambda one: one["type"] != "extra_forbidden")  # a misspelt key is why another one is missing
    first = found[0]
    is_key = first["loc"][-1:] == ("[key]",)
    key = ".".join(str(part) for part in (first["loc"][:-2] if is_key else first["loc"]))
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    if first["type"] == "extra_forbidden":
        holder = _model_at(model, first["loc"][:-1])
        told = f"; {known(first['loc'][-1], 'known here:', holder.model_fields)}" if holder else ""
        return f"{key}: unknown key{told}{more}"
    if first["type"] == "missing":
        return f"{key}: is missing{more}"
    message = first["msg"].removeprefix("Value error, ").replace("Input should", "should")
    message = message.replace("a valid boolean", "true or false").replace("String should", "should")
    if first["type"] == "string_pattern_mismatch":
        pattern = first["ctx"]["pattern"]
        message = f"should be {_PATTERNS.get(pattern, f'text that matches {pattern}')}"
    container = isinstance(first.get("input"), Mapping | list | tuple)
    if not container and (allowed := _range_at(model, first["loc"])):
        whole = first["type"] == "int_from_float"
        kind = ", a whole number" if whole else ", a number" * first["type"].endswith("_type")
        message = f"should be {allowed}{kind}"
    return f"{key}{':' if key else ''}{' the key' * is_key}{_shown(first.get('input'))} {message}{more}".strip()


def _shown(value: Any) -> str:
    """Returns a wrong value as a message shows it: no container, and no number that Python itself refuses to write."""
    if isinstance(value, Mapping | list | tuple | BaseModel):
        return ""
    huge = isinstance(value, int) and value.bit_length() > LONGEST
    return " a huge number:" if huge else f" {value!r}:"


def _above(one: tuple[int | str, ...], other: tuple[int | str, ...]) -> bool:
    """Returns whether one location contains another."""
    return len(one) < len(other) and other[: len(one)] == one


def _model_at(model: type[BaseModel] | None, place: tuple[int | str, ...]) -> type[BaseModel] | None:
    """Returns the model at a location, as far as the types of the fields show it, or None."""
    for part in place:
        if model is None:
            return None
        if isinstance(part, int):
            continue
        field = model.model_fields.get(part)
        inside = (field.annotation, *get_args(field.annotation)) if field else ()
        model = next((one for one in inside if isinstance(one, type) and issubclass(one, BaseModel)), None)
    return model


def _range_at(model: type[BaseModel] | None, place: tuple[int | str, ...]) -> str:
    """Returns the allowed interval of a number, such as "in [0, 1]"; empty where the field lacks a bound."""
    rules = _rules_at(model, place) or _rules_at(model, place[:-1], within=True)
    bounds = {name: getattr(rule, name) for rule in rules for name in _bounds_of(rule)}
    low, high = bounds.get("ge", bounds.get("gt")), bounds.get("le", bounds.get("lt"))
    if low is None or high is None:
        return ""
    return f"in {'[' if 'ge' in bounds else '('}{low:g}, {high:g}{']' if 'le' in bounds else ')'}"


def _rules_at(model: type[BaseModel] | None, place: tuple[int | str, ...], within: bool = False) -> list[Any]:
    """Returns the constraints on a field, or ``within`` it, where it may also be a mapping to such numbers."""
    holder = _model_at(model, place[:-1])
    field = holder.model_fields.get(str(place[-1])) if holder and place else None
    if field is None:
        return []
    kinds = get_args(field.annotation) if get_origin(field.annotation) in (Union, UnionType) else ()
    marks = [mark for one in kinds for mark in getattr(one, "__metadata__", ()) if isinstance(mark, FieldInfo)]
    return [*([] if within else field.metadata), *(rule for mark in marks for rule in mark.metadata)]


def _bounds_of(rule: object) -> list[str]:
    """Returns the names of the bounds that a constraint sets."""
    return [name for name in ("ge", "gt", "le", "lt") if getattr(rule, name, None) is not None]

"""Base of the models of settings: strict about keys and types, with one-line errors."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import CoreConfig, CoreSchema, PydanticKnownError, SchemaValidator
from pydantic_core.core_schema import no_info_before_validator_function, no_info_wrap_validator_function

from preroll.bounded.yaml_text import LONGEST
from preroll.console.nearest import known
from preroll.errors import PrerollError

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
#: What pydantic says, and what it is for somebody who writes YAML.
_WORDS = {
    "^(Input|String|Tuple|List|Dictionary) should": "should",
    " after validation": "",
    "a valid boolean": "true or false",
    "a valid (tuple|list)": "a list",
    r"a valid dictionary( or instance of \w+)?": "a mapping",
}
Model = TypeVar("Model", bound=BaseModel)


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
    message = first["msg"].removeprefix("Value error, ")
    for theirs, ours in _WORDS.items():
        message = re.sub(theirs, ours, message)
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

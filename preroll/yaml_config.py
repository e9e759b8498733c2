"""Reader and writer of YAML settings, strict about keys, with one-line errors."""

import re
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError

from preroll.errors import PrerollError

_NUMBER = re.compile(r"[-+]?[\d.]+[eE][-+]?\w+")
Model = TypeVar("Model", bound=BaseModel)


class _StrictLoader(yaml.SafeLoader):
    """Safe loader that refuses duplicate keys, of which YAML would silently keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Builds one mapping and refuses duplicate keys."""
        seen: set[Hashable] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise PrerollError(f"line {key_node.start_mark.line + 1}: key {key!r} occurs twice")
            seen.add(key)
        return super().construct_mapping(node, deep)


def load_yaml(path: Path) -> dict[str, Any]:
    """Reads a YAML mapping.

    Raises:
        PrerollError: the file is missing, not YAML, not a mapping, or has a key twice.
    """
    try:
        text = path.read_text("utf8")
    except OSError as error:
        raise PrerollError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise PrerollError(f"{path}: is not UTF-8 text") from None
    return parse_yaml(text, str(path))


def parse_yaml(text: str, source: str) -> dict[str, Any]:
    """Reads a YAML mapping from ``text``; errors name it ``source``."""
    try:
        value = yaml.load(text, _StrictLoader)
    except PrerollError as error:
        raise PrerollError(f"{source}: {error}") from None
    except (yaml.YAMLError, RecursionError, ValueError, TypeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        what = getattr(error, "problem", None) or str(error).split("\n")[0]
        raise PrerollError(f"{source}{where}: is not valid YAML: {what}") from None
    if not isinstance(value, dict):
        raise PrerollError(f"{source}: a mapping of keys to values is expected, not {type(value).__name__}")
    return value


def dump_yaml(value: Mapping[str, Any]) -> str:
    """Returns a mapping as YAML text, keys in their own order."""
    text: str = yaml.safe_dump(dict(value), sort_keys=False, allow_unicode=True, default_flow_style=None, width=110)
    return text


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
    key = ".".join(str(part) for part in first["loc"])
    value = first.get("input")
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    if first["type"] == "extra_forbidden":
        holder = _model_at(model, first["loc"][:-1])
        known = f"; known here: {', '.join(holder.model_fields)}" if holder else ""
        return f"{key}: unknown key{known}{more}"
    if first["type"] == "missing":
        return f"{key}: is missing{more}"
    message = first["msg"].removeprefix("Value error, ").replace("Input should", "should")
    if allowed := _range_at(model, first["loc"]):
        message = f"should be {allowed}"
    shown = "" if isinstance(value, Mapping | list | tuple | BaseModel) else f" {value!r}:"
    hint = _yaml_trap(value, first["type"])
    return f"{key}{':' if key else ''}{shown} {message}{hint}{more}".strip()


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
    holder = _model_at(model, place[:-1])
    field = holder.model_fields.get(str(place[-1])) if holder and place else None
    bounds = {name: getattr(rule, name) for rule in (field.metadata if field else ()) for name in _bounds_of(rule)}
    low, high = bounds.get("ge", bounds.get("gt")), bounds.get("le", bounds.get("lt"))
    if low is None or high is None:
        return ""
    return f"in {'[' if 'ge' in bounds else '('}{low:g}, {high:g}{']' if 'le' in bounds else ')'}"


def _bounds_of(rule: object) -> list[str]:
    """Returns the names of the bounds that a constraint sets."""
    return [name for name in ("ge", "gt", "le", "lt") if getattr(rule, name, None) is not None]


def _yaml_trap(value: Any, kind: str) -> str:
    """Returns a hint where YAML 1.1 reads a value in an unexpected way."""
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return " (YAML reads 1e3 as text: write 1.0e+3)"
    if isinstance(value, bool) and not kind.startswith("bool"):
        return " (YAML reads no, off, yes and on as true or false: put it in quotes)"
    return ""

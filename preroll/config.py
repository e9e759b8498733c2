"""The one reader of YAML settings: strict about keys, and one line about what is wrong."""

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from preroll.errors import PrerollError

Model = TypeVar("Model", bound=BaseModel)


class _StrictLoader(yaml.SafeLoader):
    """A safe loader that refuses a key written twice, which YAML would silently let win."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Builds one mapping, checking that no key stands in it twice."""
        seen: set[Hashable] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise PrerollError(f"line {key_node.start_mark.line + 1}: key {key!r} stands twice")
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
    """Reads a YAML mapping from ``text``; ``source`` names it in errors."""
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
    """Writes a mapping as YAML in its own order."""
    text: str = yaml.safe_dump(dict(value), sort_keys=False, allow_unicode=True, default_flow_style=None, width=110)
    return text


def validated(model: type[Model], value: Any, source: str) -> Model:
    """Builds ``model`` from plain values; the first error becomes one line that names source, key, value and range.

    Raises:
        PrerollError: with all of pydantic's findings counted and the first one told.
    """
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise PrerollError(f"{source}: {explain(error)}") from None


def explain(error: ValidationError) -> str:
    """Tells the first finding of a pydantic error in one line."""
    found = error.errors(include_url=False)
    first = found[0]
    key = ".".join(str(part) for part in first["loc"] if part not in ("function-after", "constrained-float")) or "(top)"
    value = first.get("input")
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    if first["type"] == "extra_forbidden":
        return f"{key}: unknown key{more}"
    if first["type"] == "missing":
        return f"{key}: is missing{more}"
    message = first["msg"].removeprefix("Value error, ").replace("Input should", "should")
    shown = "" if isinstance(value, Mapping | list | tuple | BaseModel) else f" {value!r}:"
    hint = _yaml_trap(value, first["type"])
    return f"{key}:{shown} {message}{hint}{more}"


def _yaml_trap(value: Any, kind: str) -> str:
    """The two surprises of YAML 1.1 that people meet in settings."""
    if isinstance(value, str) and kind.startswith(("float", "int")):
        return " (YAML reads 1e3 as text: write 1.0e+3)"
    if isinstance(value, bool) and not kind.startswith("bool"):
        return " (YAML reads no, off, yes and on as true or false: put it in quotes)"
    return ""

"""Tables of all settings and their defaults, for docs/predictions.md.

``python -m preroll.perception.prediction.framework.settings_table docs/predictions.md`` writes them into the page.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from preroll.files import atomic
from preroll.perception.prediction.framework.settings import GenreSettings, MemorabilitySettings, TagSettings

BEGIN, END = (
    "<!-- settings: written by preroll.perception.prediction.framework.settings_table -->\n",
    "<!-- end of settings -->\n",
)
_KINDS: dict[str, type[BaseModel]] = {
    "tags": TagSettings,
    "genres": GenreSettings,
    "memorability": MemorabilitySettings,
}


def settings_tables() -> str:
    """Returns a Markdown table of keys, defaults and meanings for each task."""
    return "\n".join(
        f"**`task: {name}`**\n\n| key | default | |\n|---|---|---|\n" + "".join(_rows(kind))
        for name, kind in _KINDS.items()
    )


def with_tables(page: str) -> str:
    """Returns the page with the tables between its two markers replaced by the current ones."""
    before, rest = page.split(BEGIN)
    return before + BEGIN + "\n" + settings_tables() + "\n" + END + rest.split(END)[1]


def _rows(kind: type[BaseModel], part: str = "") -> Iterator[str]:
    for key, field in kind.model_fields.items():
        inside = field.annotation
        if isinstance(inside, type) and issubclass(inside, BaseModel):
            yield from _rows(inside, f"{key}.")
        elif key != "task":  # which is in the heading
            yield f"| `{part}{key}` | {_shown(field.default)} | {field.description} |\n"


def _shown(default: object) -> str:
    if default is PydanticUndefined:
        return "required"
    if default is None or default in ("", ()):
        return "none"
    text = "[" + ", ".join(map(str, default)) + "]" if isinstance(default, tuple) else str(default)
    return f"`{text.lower() if isinstance(default, bool) else text}`"


def main() -> None:
    """Writes the tables into the page given on the command line."""
    page = Path(sys.argv[1])
    atomic.write_text(page, with_tables(page.read_text("utf8")))


if __name__ == "__main__":
    main()

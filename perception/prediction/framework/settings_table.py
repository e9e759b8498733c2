"""Tables of all settings and their defaults, for docs/predictions.md.

``python -m preroll.perception.prediction.framework.settings_table docs/predictions.md`` writes them into the page.
"""

import re
import sys
from collections.abc import Iterator
from inspect import cleandoc
from pathlib import Path

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from preroll import atomic
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


def _rows(kind: type[BaseModel]) -> Iterator[str]:
    yield "| `run` | required | folder of the run |\n"
    for part, field in kind.model_fields.items():
        group = field.annotation
        if isinstance(group, type) and issubclass(group, BaseModel):
            meanings = _meanings(group)
            for key, one in group.model_fields.items():
                yield f"| `{part}.{key}` | {_shown(one.default)} | {meanings[key]} |\n"


def _meanings(group: type[BaseModel]) -> dict[str, str]:
    """Parses the ``Attributes:`` sections of the class and its bases; several attributes may share an entry."""
    listed = "".join(cleandoc(one.__doc__ or "").partition("Attributes:\n")[2] + "\n" for one in group.__mro__[::-1])
    entries = re.findall(r"^ {4}([\w, ]+): (.*(?:\n {8}.*)*)", listed, flags=re.MULTILINE)
    found = {}
    for names, text in entries:
        meaning = re.sub(r"\s+", " ", text).rstrip(".").replace("``", "`").replace("|", "\\|")
        found.update(dict.fromkeys(names.split(", "), meaning))
    return found


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

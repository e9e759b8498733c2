"""Templates of pages, which need no network and no other file."""

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from preroll.console.output import escaped

if TYPE_CHECKING:
    from jinja2 import Template
    from markupsafe import Markup

#: The layout, the macros and the styles that all pages begin with.
_SHARED = Path(__file__).parent


@cache
def template(folder: Path, name: str) -> "Template":
    """Returns a template that escapes all values and refuses names that it is not given.

    Args:
        folder: where it and what it includes are; what is not there is the shared one.
        name: of the file, such as ``report.html.jinja``.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader([folder, _SHARED]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    environment.filters["with_code"] = _with_code
    return environment.get_template(name)


def with_contents(html: str) -> str:
    """Returns a page with links to its sections where its template has ``contents()``.

    Examples:
        >>> with_contents('<!-- contents --><section id="one"><h2>One</h2>')
        '<nav><a href="#one">One</a></nav><section id="one"><h2>One</h2>'
    """
    links = (
        f'<a href="#{name}">{title}</a>'
        for name, title in re.findall(r'<section id="([^"<>]*)"><h2>([^<]*)</h2>', html)
    )
    return html.replace("<!-- contents -->", f"<nav>{''.join(links)}</nav>", 1)


def _shown(value: object) -> object:
    """Escapes control characters and halves of characters in a text, as the command line does."""
    from markupsafe import Markup

    return escaped(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _with_code(text: str) -> "Markup":
    """Escapes a text and sets what stands in backticks as code."""
    from markupsafe import Markup, escape

    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(escaped(text)))))

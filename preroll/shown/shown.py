"""Objects that show themselves: in a terminal, in a debugger and in a notebook."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from preroll.errors import PrerollError
from preroll.shown.card import Card, shown

if TYPE_CHECKING:
    import pandas as pd

MOST_TOLD = 40  # entries of a sequence


class Shown:
    """An object whose card is its ``repr``, its text and its HTML for notebooks.

    A subclass implements :meth:`_card`, unless its fields by name say enough, and, where it makes sense, ``plot``,
    which draws with :mod:`preroll.shown.plots` and returns the axes. A dataclass says ``repr=False``, or its own would
    come first.
    """

    __slots__ = ()

    def _card(self) -> Card:
        """Returns what the object says of itself: by default its fields, of a dataclass or a model of pydantic."""
        kind = type(self)
        fields = getattr(kind, "__dataclass_fields__", None) or getattr(kind, "model_fields", {})
        given = {name.replace("_", " "): getattr(self, name) for name in fields if not name.startswith("_")}
        return Card(kind.__name__, {name: told(value) for name, value in given.items() if value is not None})

    def _safe_card(self) -> Card:
        # A debugger asks for it too, of objects whose files are gone.
        try:
            return self._card()
        except PrerollError as error:
            return Card(type(self).__name__, {"cannot be shown": error})

    def __repr__(self) -> str:
        return self._safe_card().text()

    def __str__(self) -> str:
        return repr(self)

    def _repr_html_(self) -> str:
        """Returns the HTML that notebooks show."""
        return self._safe_card().html()


class ShownTable(Shown):
    """An object that is a table, too: ``pandas.DataFrame(x)`` is ``x.to_frame()``.

    A subclass implements :meth:`to_frame`: flat columns, in which a mean ``x`` has its interval beside it as ``x_low``
    and ``x_high``.
    """

    __slots__ = ()

    def to_frame(self) -> "pd.DataFrame":
        """Returns the table."""
        raise NotImplementedError

    def _safe_card(self) -> Card:
        return replace(super()._safe_card(), whole="to_frame()")

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yields the rows of :meth:`to_frame` by column, of which ``pandas.DataFrame`` makes its table."""
        frame = self.to_frame()
        return (dict(zip(map(str, frame), row, strict=True)) for row in frame.itertuples(index=False, name=None))


def told(value: object) -> str:
    """Returns a value on at most a line or two: of an array what it holds, of what shows itself its title.

    Examples:
        >>> told(np.zeros((2, 3))), told({"pulls": 3.0}), told(()), told(["a", "b"])
        ('float64 (2, 3)', 'pulls 3', 'none', 'a, b')
    """
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {value.shape}"
    if isinstance(value, Shown):
        return value._safe_card().title
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {told(entry)}" for name, entry in value.items()) or "none"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(told, value[:MOST_TOLD])) + ", …" * (len(value) > MOST_TOLD) or "none"
    return "none" if value is None else shown(value)

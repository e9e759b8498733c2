"""Objects that show themselves: in a terminal, in a debugger and in a notebook."""

from preroll.errors import PrerollError
from preroll.shown.card import Card


class Shown:
    """An object whose card is its ``repr``, its text and its HTML for notebooks.

    A subclass implements :meth:`_card`, and, where it makes sense, ``to_frame``, a table of flat columns in which a
    mean ``x`` has its interval beside it as ``x_low`` and ``x_high``, and ``plot``, which draws with
    :mod:`preroll.shown.plots` and returns the axes. A dataclass says ``repr=False``, or its own would come first.
    """

    def _card(self) -> Card:
        """Returns what the object says of itself."""
        raise NotImplementedError

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

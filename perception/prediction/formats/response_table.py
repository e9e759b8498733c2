"""Tables of view probabilities, a row for each video and ad: CSV or Parquet, as a user's own model wrote them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray

from preroll.bounded import limits
from preroll.bounded.readers import read_bytes
from preroll.errors import PrerollError

COLUMNS = ("video", "ad", "probability")
_TEXT = pa.dictionary(pa.int32(), pa.string())
#: A quoted name may hold a line break.
_PARSING = pa.csv.ParseOptions(newlines_in_values=True)


@dataclass(frozen=True)
class Names:
    """A column of names.

    Attributes:
        distinct: the M names that occur.
        row: which of them each of the n rows has, int [n].
    """

    distinct: tuple[str, ...]
    row: NDArray[np.int64]


@dataclass(frozen=True)
class ResponseTable:
    """The rows of a table: n probabilities in [0, 1].

    Attributes:
        file: where they were read.
        videos: names of videos.
        ads: labels of ads.
        probability: float64 [n].
    """

    file: Path
    videos: Names
    ads: Names
    probability: NDArray[np.float64]

    def refused(self, row: int, what: str) -> PrerollError:
        """Returns an error about a row, which is told by number (from 1, the heading aside), video and ad."""
        named = [names.distinct[names.row[row]] for names in (self.videos, self.ads)]
        names = [name if name.isprintable() else repr(name) for name in named]
        return PrerollError(f"{self.file}, row {row + 1} ({', '.join(names)}): {what}")


def read_response_table(file: Path) -> ResponseTable:
    """Reads a table with the columns video, ad and probability; it may have others.

    Args:
        file: NAME.csv (UTF-8, with a heading) or NAME.parquet.

    Raises:
        PrerollError: the file cannot be read, is too large, lacks a column, or a row lacks a name or holds no
            probability.
    """
    readers = {".csv": _csv, ".parquet": _parquet}
    if file.suffix.lower() not in readers:
        raise PrerollError(f"{file}: a table of probabilities must end in .csv or .parquet")
    try:
        table = readers[file.suffix.lower()](file)
        columns = {name: _column(table, name, file) for name in COLUMNS}
        videos, ads = _names(columns["video"]), _names(columns["ad"])
    except (pa.ArrowException, OSError, ValueError) as error:
        raise PrerollError(f"{file}: cannot be read: {' '.join(str(error).split())[:300]}") from None
    if not table.num_rows:
        raise PrerollError(f"{file}: it has no row")
    return _checked(file, videos, ads, columns["probability"])


def _csv(file: Path) -> pa.Table:
    content = pa.BufferReader(read_bytes(file, limits.RESPONSE))
    heading = pa.csv.open_csv(content, parse_options=_PARSING).schema.names
    _check_heading(heading, file)
    content.seek(0)
    # Numbers are read below: here text stays text, so that what is no number can be told.
    types = {"video": _TEXT, "ad": _TEXT, "probability": pa.string()}
    chosen = pa.csv.ConvertOptions(column_types=types, include_columns=COLUMNS)
    return pa.csv.read_csv(content, parse_options=_PARSING, convert_options=chosen)


def _parquet(file: Path) -> pa.Table:
    if file.stat().st_size > limits.RESPONSE:
        raise ValueError(f"is larger than {limits.RESPONSE / limits.GIB:.0f} GiB, the most that is read")
    with pa.parquet.ParquetFile(file, read_dictionary=["video", "ad"]) as content:
        _check_heading(content.schema_arrow.names, file)
        groups = [content.metadata.row_group(i).total_byte_size for i in range(content.num_row_groups)]
        # Repeated values take next to nothing in the file, but 8 bytes a row here.
        if content.metadata.num_rows > limits.RESPONSE_ROWS or sum(groups) > limits.RESPONSE:
            raise ValueError(
                f"unfolds to {content.metadata.num_rows:,} rows of {sum(groups):,} bytes; at most"
                f" {limits.RESPONSE_ROWS:,} rows and {limits.RESPONSE / limits.GIB:.0f} GiB are read"
            )
        return content.read(columns=list(COLUMNS))


def _check_heading(heading: Sequence[str], file: Path) -> None:
    for name in COLUMNS:
        if heading.count(name) != 1:
            told = ", ".join(heading)[:100] or "nothing"
            raise PrerollError(f"{file}: must have the columns {', '.join(COLUMNS)}, once each; it has {told}")


def _column(table: pa.Table, name: str, file: Path) -> pa.ChunkedArray:
    column = table[name]
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    if not (text or (name == "probability" and (pa.types.is_floating(kind) or pa.types.is_integer(kind)))):
        raise PrerollError(
            f"{file}: column {name!r} must hold {'text' if name != 'probability' else 'numbers'}, not {kind}"
        )
    return column


def _names(column: pa.ChunkedArray) -> Names:
    text = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    joined = text.unify_dictionaries().combine_chunks()
    joined = joined.chunk(0) if isinstance(joined, pa.ChunkedArray) else joined
    row = joined.indices.fill_null(len(joined.dictionary)).to_numpy().astype(np.int64)
    return Names((*(name or "" for name in joined.dictionary.to_pylist()), ""), row)


def _checked(file: Path, videos: Names, ads: Names, column: pa.ChunkedArray) -> ResponseTable:
    """Returns the table if every row has both names and a probability."""
    try:
        probability = column.cast(pa.float64()).fill_null(np.nan).to_numpy()
    except pa.ArrowInvalid:
        probability = np.array([_number(text) for text in column.to_pylist()])
    table = ResponseTable(file, videos, ads, probability)
    wrong = ~((probability >= 0) & (probability <= 1))  # NaN lies nowhere
    if wrong.any():
        row = int(wrong.argmax())
        raise table.refused(row, f"probability {column[row].as_py()!r} must be a number in [0, 1]")
    for what, names in (("video", videos), ("ad", ads)):
        empty = np.array([not name for name in names.distinct])[names.row]
        if empty.any():
            raise table.refused(int(empty.argmax()), f"{what} is empty")
    return table


def _number(text: str | None) -> float:
    try:
        return float("nan" if not text or "_" in text else text)  # Python reads 0_1 as 1
    except ValueError:
        return np.nan

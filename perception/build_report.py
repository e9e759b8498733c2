"""What came of a build: the catalog, and the videos and categories that are to be told of."""

from dataclasses import dataclass

from preroll.perception.catalog.catalog import Catalog
from preroll.perception.ingest.video_folder import Listing, SourceVideo
from preroll.perception.ingest.writer import Content, VideoRow
from preroll.shown.card import Card
from preroll.shown.shown import Shown


@dataclass(frozen=True, repr=False)
class BuildReport(Shown):
    """Outcome of :func:`~preroll.perception.build_catalog`.

    Attributes:
        catalog: the new catalog, opened from its folder.
        left_out: videos that are not in the catalog, with their status and reason.
        partial: videos that could be decoded only in part.
        empty: categories without any usable video.
        others: number of other files in the folder, which were skipped.
        resumed: number of videos whose earlier analysis was reused.
        copies: pairs of paths: a video, and a nearly identical one that the classifier had learned from when it judged
            the first, which makes the measured accuracy too high where both show one clip.
        equal: pairs of paths of equal files in two categories.

    Examples:
        A report as ``build_catalog`` returns it:

        >>> from preroll.perception import BuildReport, Catalog
        >>> demo = Catalog.load("demo")
        >>> report = BuildReport(demo, left_out=(), partial=(), empty=("dogs",), others=2, resumed=300)
        >>> report.catalog.n_videos, report.resumed
        (300, 300)
        >>> report.status  # the category "dogs" has no usable video
        1
    """

    catalog: Catalog
    left_out: tuple[VideoRow, ...]
    partial: tuple[VideoRow, ...]
    empty: tuple[str, ...]
    others: int
    resumed: int
    copies: tuple[tuple[str, str], ...] = ()
    equal: tuple[tuple[str, str], ...] = ()

    @property
    def status(self) -> int:
        """Exit status: 1 if a category is empty, else 0."""
        return 1 if self.empty else 0

    def _card(self) -> Card:
        facts = {
            "catalog": f"{self.catalog.path}, {self.catalog.n_videos:,} videos, {self.resumed:,} analysed before",
            "left out": f"{len(self.left_out):,} videos, and {self.others:,} other files",
            "in part": f"{len(self.partial):,} videos",
            **({"empty": ", ".join(self.empty)} if self.empty else {}),
            **({"copies": f"{len(self.copies):,} pairs of nearly identical videos"} if self.copies else {}),
            **({"equal": f"{len(self.equal):,} pairs of equal files in two categories"} if self.equal else {}),
        }
        rows = [(row.listed.path, row.analysis.status, row.analysis.reason) for row in (*self.left_out, *self.partial)]
        return Card("Build of a catalog", facts, ("video", "status", "why"), rows)


def report_of(catalog: Catalog, content: Content, listing: Listing, resumed: int) -> BuildReport:
    """Returns the report of a build that was written."""
    rows = content.rows
    named = {row.listed.category for row in rows}.union(listing.categories)
    paths = [row.listed.path for row in rows if row.analysis.usable]
    return BuildReport(
        catalog=catalog,
        left_out=tuple(row for row in rows if not row.analysis.usable),
        partial=tuple(row for row in rows if row.analysis.status == "partial"),
        empty=tuple(sorted(named - set(catalog.categories))),
        others=listing.others,
        resumed=resumed,
        copies=tuple((paths[one], paths[other]) for one, other in content.copies.tolist()),
        equal=_equal_in_two_categories(rows),
    )


def _equal_in_two_categories(rows: list[VideoRow]) -> tuple[tuple[str, str], ...]:
    first: dict[str, SourceVideo] = {}
    pairs = []
    for row in rows:
        if row.analysis.usable:
            other = first.setdefault(row.analysis.sha256, row.listed)
            if other.category != row.listed.category:
                pairs.append((other.path, row.listed.path))
    return tuple(pairs)

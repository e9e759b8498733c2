"""Groups of the listed videos: pieces of one clip, which no fold may part."""

from dataclasses import replace
from pathlib import Path

from preroll.errors import PrerollError
from preroll.perception.ingest.video_folder import Listing, list_videos
from preroll.perception.ingest.video_table import is_table, read_table
from preroll.perception.video.clip_groups import GROUPINGS


def list_sources(source: Path, downloads: Path, group_by: str | None) -> Listing:
    """Lists the videos of a folder or a table, each with its group if there is a grouping.

    Args:
        source: the folder, or the table.
        downloads: the folder for the videos of URLs.
        group_by: a column of the table, ``folder`` (the folder above, which may then be one below that of the
            category), or ``name`` (a name without the mark of a piece); None for no groups.

    Raises:
        PrerollError: if the folder or the table is invalid, or there is no such grouping.
    """
    if not is_table(source):
        if group_by is not None and group_by not in GROUPINGS:
            raise PrerollError(f"--group-by {group_by}: of a folder of videos it must be {' or '.join(GROUPINGS)}")
        return _grouped(list_videos(source, nested=group_by == "folder"), group_by)
    return _grouped(read_table(source, downloads, group_by), group_by)


def _grouped(listing: Listing, group_by: str | None) -> Listing:
    """Fills the groups that no column filled; a video of no group is its own."""
    if group_by is None:
        return listing
    group_of = GROUPINGS.get(group_by, str)
    videos = [replace(one, group=one.group or group_of(one.path)) for one in listing.videos]
    return replace(listing, videos=videos)

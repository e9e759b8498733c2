"""`preroll catalog new`: a catalog of categories, or of a list of videos with tags, without videos."""

from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from preroll.console import signals
from preroll.errors import PrerollError
from preroll.terminal.catalog_summary import describe
from preroll.terminal.counts import parse_count, seed_option

VIDEOS = 300


def new_catalog(
    out: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the new catalog.")],
    more: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Further categories.")] = None,
    categories: Annotated[
        list[str] | None, typer.Option(metavar="NAME...", help="Names of categories; NAME=N has N videos.")
    ] = None,
    videos: Annotated[
        int | None,
        typer.Option(
            parser=parse_count, metavar="N", help="Number of videos, in equal parts.", show_default=str(VIDEOS)
        ),
    ] = None,
    csv: Annotated[
        Path | None,
        typer.Option(help="CSV file of videos: column `category`; optional: `video` (a name), `tags` (a;b)."),
    ] = None,
    content: Annotated[float, typer.Option(help="How much of a video its category and tags say, 0 to 1.")] = 0.3,
    seed: Annotated[int, seed_option("Seed of all draws.")] = 0,
    replace: Annotated[bool, typer.Option("--replace", help="Replace a catalog that is there.")] = False,
) -> None:
    """Make a catalog without videos: of names of categories, or of a list of videos with category and tags.

    What videos show and which resemble each other is planted: every category and tag is an object class, and with u
    the smaller of two draws from [0, 1] importance = content · (the video has it) + (1 − content) · u. Neighbours are
    the nearest by cosine.

    Example: `preroll catalog new mine --categories cooking travel music --videos 300`
    """
    from preroll.perception.catalog.catalog import Catalog

    names = [*(categories or []), *(more or [])]
    _check(names, videos, csv)
    told = f"--content {content:g} --seed {seed}"
    if csv is not None:
        made = Catalog.synthetic(videos=csv, seed=seed, content=content)
        command = f"--csv {quote(csv.name)} {told}"
    else:
        sizes = _sizes(names)
        number = VIDEOS if videos is None else videos
        made = Catalog.synthetic(sizes or names, number, seed=seed, content=content)
        listed = " ".join(map(quote, names))
        command = f"--categories {listed} {told}" if sizes else f"--categories {listed} --videos {number} {told}"
    saved = made.save(out, command=f"preroll catalog new DIR {command}", replace=replace)
    signals.finished()
    describe(saved)
    typer.echo(f"\nNext: preroll scenario new --catalog {quote(str(out))} --out mine.yaml")


def _check(names: list[str], videos: int | None, csv: Path | None) -> None:
    if csv is None and not names:
        raise PrerollError("--categories: name at least one, or a list of videos with --csv FILE")
    if csv is not None and names:
        raise PrerollError(f"--csv {csv}: has the categories of its videos; leave out {names[0]}")
    if csv is not None and videos is not None:
        raise PrerollError(f"--csv {csv}: has one video a line; leave out --videos {videos}")
    if videos is not None and any("=" in name for name in names):
        raise PrerollError(f"--videos {videos}: the categories have numbers of their own; leave it out")


def _sizes(names: list[str]) -> dict[str, int]:
    """Returns the numbers of videos of ``NAME=N``; empty if no category has one."""
    if not any("=" in name for name in names):
        return {}
    sizes: dict[str, int] = {}
    for name in names:
        category, _, number = name.rpartition("=")
        if not category or not number.isdecimal():
            raise PrerollError(f"--categories {name}: give all numbers of videos, as NAME=N, or none")
        if category in sizes:
            raise PrerollError(f"--categories {name}: {category} is named twice")
        sizes[category] = int(number)
    return sizes

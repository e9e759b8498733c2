"""`preroll catalog`: from videos to a catalog, and what a catalog says."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from preroll.commands.table import one_line, print_table
from preroll.errors import PrerollError

if TYPE_CHECKING:
    from preroll.perception.build import BuildReport
    from preroll.perception.catalog import Catalog

app = typer.Typer(help="Make a catalog of a folder of videos, and look into one.", no_args_is_help=True)

# More left-out videos than these are counted; videos.csv names them all.
_LISTED = 20
Videos = Annotated[Path, typer.Argument(metavar="VIDEOS", help="Folder with one folder of videos per category.")]
Folder = Annotated[str, typer.Argument(metavar="DIR", help="Folder of a catalog; `demo` is the one in the package.")]
Workers = Annotated[int | None, typer.Option(help="Number of processes.", show_default="one per core")]


@app.command()
def build(
    videos: Videos,
    out: Annotated[Path, typer.Option(help="Folder of the new catalog.")],
    detector: Annotated[Path | None, typer.Option(help="ONNX model.", show_default="the embedded one")] = None,
    card: Annotated[Path | None, typer.Option(help="Model card.", show_default="found by itself")] = None,
    save_frames: Annotated[Path | None, typer.Option(help="Also write CATEGORY/VIDEO/1.jpg, … here.")] = None,
    workers: Workers = None,
) -> None:
    """Make a catalog: VIDEOS/CATEGORY/VIDEO.mp4, or frames VIDEOS/CATEGORY/VIDEO/1.jpg, 2.jpg, ….

    Videos that cannot be used are listed with a reason, and the build goes on. Exit status 1 where a category is left
    without any.
    """
    from preroll.perception.build import build_catalog
    from preroll.perception.cards import EMBEDDED

    report = build_catalog(
        videos, out, detector=detector or EMBEDDED, card=card, save_frames=save_frames, workers=workers
    )
    _describe(report.catalog)
    _tell_losses(report)
    if report.empty:
        names = ", ".join(one_line(name) for name in report.empty)
        raise PrerollError(f"no usable video is left in: {names}; the catalog is without them", status=report.status)


@app.command()
def show(folder: Folder = "demo") -> None:
    """Describe a catalog: its categories, what its videos show, and how well they can be told apart."""
    from preroll.perception.catalog import Catalog

    catalog = Catalog.load(folder)
    _describe(catalog)
    table = catalog.videos()
    odd = table[table["status"] != "ok"]
    if len(odd):
        typer.echo()
        _list_videos(list(zip(odd["path"], odd["status"], odd["reason"], strict=True)))


@app.command()
def similar(folder: Folder, video: Annotated[str, typer.Argument(help="Path in the catalog, name, or row.")]) -> None:
    """Print the videos most similar to one, by the objects that they show."""
    from preroll.perception.catalog import Catalog
    from preroll.perception.similar import find_video, similar_videos

    catalog = Catalog.load(folder)
    row = find_video(catalog, video)
    found = similar_videos(catalog, row)
    path = catalog.videos().set_index("index")["path"][row]
    if found.empty:
        raise PrerollError(f"{one_line(path)}: no object was found in it, so no video is similar", status=1)
    typer.echo(f"Most similar to {one_line(path)}:")
    found["score"] = found["score"].map("{:.3f}".format)
    print_table(list(found.columns), found.to_numpy().tolist(), left=("path", "category", "in common"))


@app.command()
def verify(folder: Folder = "demo") -> None:
    """Hash every file of a catalog again, and check every number in it."""
    from preroll.perception.catalog import Catalog
    from preroll.perception.manifest import altered_files

    catalog = Catalog.load(folder)
    findings = altered_files(catalog.path, catalog.manifest)
    for finding in findings:
        typer.echo(one_line(finding))
    if findings:
        raise PrerollError(f"catalog {folder}: {len(findings)} of its files are not as they were built", status=1)
    catalog.check_values()
    size = sum(entry["bytes"] for entry in catalog.manifest["files"].values())
    typer.echo(f"{len(catalog.manifest['files'])} files, {size:,} bytes: all as they were built.")


@app.command(name="demo-videos")
def demo_videos(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder that gets CATEGORY/VIDEO.mp4.")],
    per_category: Annotated[int, typer.Option(help="Clips per category.")] = 100,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 0,
    workers: Workers = None,
) -> None:
    """Render the demo videos: three categories of short H.264 clips of drawn objects."""
    from preroll import progress
    from preroll.perception.demo_ceiling import demo_ceiling
    from preroll.perception.demo_videos import CATEGORIES, render_demo_videos

    total = per_category * len(CATEGORIES)
    with progress.bar(total, "Rendering videos") as advance:
        render_demo_videos(folder, per_category=per_category, seed=seed, workers=workers, advance=advance)
    typer.echo(f"{total} videos in {folder}: {', '.join(CATEGORIES)}.")
    if per_category >= 5:
        ceiling = demo_ceiling(per_category, seed)
        typer.echo(f"Who saw every object would tell the category of {ceiling:.1%} of them (5-fold cross-validation).")


def _describe(catalog: "Catalog") -> None:
    typer.echo(f"Catalog {catalog.path}: {catalog.n_videos:,} videos, {len(catalog.classes)} object classes.")
    typer.echo(f"Made by: {catalog.manifest['command']}\n")
    rows = []
    for k, name in enumerate(catalog.categories):
        shown = catalog.importance[catalog.category == k]
        means = shown.mean(0)
        top = [f"{catalog.classes[c]} {means[c]:.2f}" for c in (-means).argsort(kind="stable")[:4] if means[c] > 0]
        rows.append((name, len(shown), int((~shown.any(1)).sum()), ", ".join(top)))
    columns = ("category", "videos", "without objects", "most important classes (mean importance)")
    print_table(columns, rows, left=(columns[0], columns[3]))
    typer.echo()
    _tell_quality(catalog)


def _tell_quality(catalog: "Catalog") -> None:
    probabilities = catalog.category_probabilities
    if probabilities is None:
        typer.echo("Category from objects: not measured, for a category has fewer than two videos.")
    else:
        right = (probabilities.argmax(1) == catalog.category).mean()
        typer.echo(f"Category from objects: {right:.1%} right, each video judged by a model that never saw it.")
    own, chance = catalog.neighbors_in_category()
    typer.echo(f"Neighbours in the video's own category: {own:.1%}; by chance {chance:.1%}.")


def _tell_losses(report: "BuildReport") -> None:
    total = report.catalog.n_videos + len(report.left_out)
    if report.left_out or report.partial:
        typer.echo(
            f"\n{len(report.left_out)} of {total:,} videos were left out; {len(report.partial)} are seen in part."
        )
        rows = (*report.left_out, *report.partial)
        _list_videos([(row.listed.path, row.analysis.status, row.analysis.reason) for row in rows])
    if report.others:
        typer.echo(f"{report.others} other files lie beside the videos and were passed over.")


def _list_videos(rows: list[tuple[str, str, str]]) -> None:
    print_table(("video", "status", "reason"), rows[:_LISTED], left=("video", "status", "reason"))
    if len(rows) > _LISTED:
        typer.echo(f"… and {len(rows) - _LISTED:,} more: see videos.csv.")

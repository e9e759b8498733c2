"""`preroll catalog`: building and inspecting catalogs."""

from pathlib import Path
from typing import Annotated

import typer

from preroll.commands.catalog_new import new_catalog
from preroll.commands.catalog_page import check_projector, tell_projector
from preroll.console import signals
from preroll.console.output import printable
from preroll.console.plural import counted
from preroll.console.write_errors import writes
from preroll.errors import PrerollError
from preroll.system.memory import CATALOG, require
from preroll.terminal.catalog_summary import (
    describe,
    list_videos,
    no_video_left,
    report_of,
    tell_losses,
    warn_of_copies,
    warn_of_equals,
)
from preroll.terminal.counts import parse_count, seed_option
from preroll.terminal.output_options import Replace, model_files
from preroll.terminal.table import print_table
from preroll.terminal.video_options import (
    DEFAULT_MEMORY,
    DEFAULT_TIMEOUT,
    LIMITS_PANEL,
    CardFile,
    DetectorFile,
    Fast,
    Memory,
    NeighborsBy,
    Timeout,
    Trust,
    Workers,
    worker_limits,
)

app = typer.Typer(help="Make a catalog of a folder of videos, and look into one.", no_args_is_help=True)
app.command(name="new")(new_catalog)

Videos = Annotated[
    Path, typer.Argument(metavar="VIDEOS", help="Folder with one folder of videos per category, or a table, FILE.csv.")
]
Folder = Annotated[str, typer.Argument(metavar="DIR", help="Folder of a catalog; `demo` is the one in the package.")]
SaveFrames = Annotated[Path | None, typer.Option(help="Also write CATEGORY/VIDEO/1.jpg, … here.")]
ImportanceName = Annotated[str, typer.Option(help="Of a class in a frame: confidence, presence or area.")]
Idf = Annotated[bool, typer.Option("--idf", help="Weigh classes by how few videos show them.")]
ClassifierName = Annotated[
    str, typer.Option(help="Of categories: logistic-regression, random-forest or gradient-boosting.")
]
_EMBEDDING = "Embeddings"
Embed = Annotated[
    bool, typer.Option("--embed", help="Keep a vector of each video, for --neighbors-by.", rich_help_panel=_EMBEDDING)
]
EncoderName = Annotated[
    Path | None,
    typer.Option(
        "--encoder",
        help="ONNX model that embeds, or its name.",
        show_default="the detector, by its card",
        rich_help_panel=_EMBEDDING,
    ),
]
EmbedSize = Annotated[
    int, typer.Option(parser=parse_count, metavar="N", help="Numbers that agents observe.", rich_help_panel=_EMBEDDING)
]
Approximate = Annotated[
    bool, typer.Option("--approximate", help="Find neighbours by a graph: for more than 100,000 videos.")
]
GroupBy = Annotated[
    str | None,
    typer.Option(
        help="What no fold parts: folder (the folder above), name (pieces as clip_001), or a column of the table.",
        show_default="each video by itself",
    ),
]
EngineName = Annotated[str, typer.Option(help="local, or ray: a Ray cluster.", rich_help_panel=LIMITS_PANEL)]
_FETCHING = "Videos from URLs"
Downloads = Annotated[
    Path | None, typer.Option(help="Folder for them.", show_default="TABLE.downloads", rich_help_panel=_FETCHING)
]
DownloadSize = Annotated[str, typer.Option(help="Largest file.", rich_help_panel=_FETCHING)]
DownloadTimeout = Annotated[float, typer.Option(help="Seconds for each.", rich_help_panel=_FETCHING)]


@app.command()
def build(
    videos: Videos,
    out: Annotated[Path, typer.Option(help="Folder of the new catalog.")],
    detector: DetectorFile = None,
    card: CardFile = None,
    trust: Trust = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Change the detector of the catalog: all videos are analysed again.")
    ] = False,
    save_frames: SaveFrames = None,
    fast: Fast = False,
    importance: ImportanceName = "confidence",
    idf: Idf = False,
    classifier: ClassifierName = "logistic-regression",
    approximate: Approximate = False,
    neighbors_by: NeighborsBy = "objects",
    embed: Embed = False,
    encoder: EncoderName = None,
    embed_size: EmbedSize = 64,
    group_by: GroupBy = None,
    workers: Workers = None,
    worker_memory: Memory = DEFAULT_MEMORY,
    video_timeout: Timeout = DEFAULT_TIMEOUT,
    engine: EngineName = "local",
    downloads: Downloads = None,
    download_size: DownloadSize = "1GiB",
    download_timeout: DownloadTimeout = 600,
) -> None:
    """Make a catalog: VIDEOS/CATEGORY/VIDEO.mp4, frames VIDEOS/CATEGORY/VIDEO/1.jpg, 2.jpg, …, or a table.

    A table is a CSV file with the columns path or url, category and, if you like, split. Pieces of one clip resemble
    each other: --group-by keeps them in one fold, where categories are judged. Without --detector, a look at a sample
    of the videos decides whether the network of drawings or that of photographs is taken, once for a catalog. Videos
    that cannot be used are skipped and listed with a reason; an interrupted build resumes. Exit status 1 where a
    category is left without any.
    """
    from preroll.files.targets import check_inputs

    require("building a catalog", CATALOG)
    from preroll.perception.build import build_catalog
    from preroll.perception.ingest.catalog_content import CatalogOptions
    from preroll.perception.ingest.download import DownloadLimits
    from preroll.terminal.units import parse_size

    if download_timeout <= 0:
        raise PrerollError(f"--download-timeout {download_timeout:g}: must be above 0")
    for place, told in ((out, "--out"), (save_frames, "--save-frames"), (downloads, "--downloads")):
        if place is not None:
            check_inputs(place, f"{told} {place}", [videos, *model_files(detector, card), *model_files(encoder, None)])
    report = build_catalog(
        videos,
        out,
        detector=detector,
        card=card,
        trust=trust,
        replace=replace,
        save_frames=save_frames,
        workers=workers,
        limits=worker_limits(worker_memory, video_timeout),
        fast=fast,
        choices=CatalogOptions(importance, idf, classifier, approximate, neighbors_by, embed_size),  # type: ignore[arg-type]  # checked there
        embed=embed,
        encoder=encoder,
        group_by=group_by,
        engine=engine,  # type: ignore[arg-type]
        downloads=downloads,
        download_limits=DownloadLimits(parse_size(download_size, "--download-size"), download_timeout),
    )
    signals.finished()
    describe(report.catalog, built=True)
    warn_of_copies(report.copies, report.catalog.n_videos)
    warn_of_equals(report.equal)
    tell_losses(report)
    if report.empty:
        raise PrerollError(no_video_left(report), status=report.status)


@app.command()
def show(
    folder: Folder = "demo",
    confusion: Annotated[Path | None, typer.Option(help="PNG file for a picture of the confusion matrix.")] = None,
    tensorboard: Annotated[Path | None, typer.Option(help="New folder for TensorBoard's embedding projector.")] = None,
    videos: Annotated[Path | None, typer.Option(help="What it was made of; for pictures in the projector.")] = None,
    replace: Replace = False,
) -> None:
    """Describe a catalog: its categories, the objects in its videos, and how well categories are recognised."""
    from preroll.files import atomic
    from preroll.files.kinds import PNG
    from preroll.files.streams import messages_beside
    from preroll.files.targets import writing_file
    from preroll.perception.catalog.catalog import Catalog
    from preroll.perception.inspection.category_report import confusion_picture

    catalog = Catalog.load(folder)
    check_projector(catalog, tensorboard, videos)
    wanted = writing_file(confusion, f"--confusion {confusion}", PNG, replace=replace, inputs=(catalog.path,))
    with wanted, messages_beside(confusion):
        describe(catalog)
        table = catalog.videos()
        odd = table[table["status"] != "ok"]
        if len(odd):
            typer.echo()
            list_videos(list(zip(odd["path"], odd["status"], odd["reason"], strict=True)))
        if confusion is not None:
            if (report := report_of(catalog)) is None:
                raise PrerollError("--confusion: categories were not measured, so there is no matrix", status=1)
            atomic.write_bytes(confusion, confusion_picture(report))
            signals.finished()
            typer.echo(f"Confusion matrix written to {confusion}.")
        if tensorboard is not None:
            tell_projector(catalog, tensorboard, videos)


@app.command()
def export(
    folder: Folder,
    csv: Annotated[Path, typer.Option("--csv", help="New folder for videos.csv, importance.csv, neighbors.csv, ….")],
) -> None:
    """Write a catalog's tables as CSV files for spreadsheets."""
    from preroll.perception.catalog.catalog import Catalog
    from preroll.perception.inspection.csv_export import export_tables

    with writes(csv):
        written = export_tables(Catalog.load(folder), csv)
    signals.finished()
    typer.echo(f"In {csv}:")
    print_table(("file", "rows"), [(name, f"{rows:,}") for name, rows in written.items()], left=("file",))


@app.command()
def similar(
    folder: Folder,
    video: Annotated[str, typer.Argument(help="Path in the catalog, name, or row.")],
    picture: Annotated[Path | None, typer.Option(help="JPEG file for a row of their frames; with --videos.")] = None,
    videos: Annotated[Path | None, typer.Option(help="The folder of videos that it was made of.")] = None,
    replace: Replace = False,
) -> None:
    """Print the videos most similar to one, by the objects that they show."""
    from preroll.files import atomic
    from preroll.files.kinds import JPEG
    from preroll.files.streams import messages_beside
    from preroll.files.targets import writing_file
    from preroll.perception.catalog.catalog import Catalog
    from preroll.perception.inspection.contact_sheet import similar_picture
    from preroll.perception.inspection.lookup import find_video, similar_videos

    if (picture is None) != (videos is None):
        raise PrerollError("--picture and --videos: give both, or neither")
    catalog = Catalog.load(folder)
    wanted = writing_file(picture, f"--picture {picture}", JPEG, replace=replace, inputs=(catalog.path, videos))
    with wanted, messages_beside(picture):
        row = find_video(catalog, video)
        found = similar_videos(catalog, row)
        path = catalog.videos().set_index("index")["path"][row]
        if found.empty:
            raise PrerollError(f"{printable(path)}: no object was found in it, so no video is similar", status=1)
        typer.echo(f"Most similar to {printable(path)}:")
        found["score"] = found["score"].map("{:.3f}".format)
        print_table(
            list(found.columns), found.to_numpy().tolist(), left=("path", "category", "in common"), prose=("in common",)
        )
        if picture is not None and videos is not None:
            atomic.write_bytes(picture, similar_picture(catalog, row, videos))
            signals.finished()
            typer.echo(f"Their frames are drawn in {picture}.")


@app.command()
def search(
    folder: Folder,
    name: Annotated[str | None, typer.Argument(help="A class of objects, or a word of yours.")] = None,
    image: Annotated[Path | None, typer.Option(help="A picture, to which videos are similar.")] = None,
    encoder: Annotated[Path | None, typer.Option(help="The catalog's encoder.", show_default="by its name")] = None,
    most: Annotated[
        int, typer.Option("--most", parser=parse_count, metavar="N", help="Number of videos, at most.")
    ] = 10,
) -> None:
    """Print the videos that show most of a class or word, or, by their embedding, those most similar to a picture.

    Example: `preroll catalog search demo fish`
    """
    from preroll.perception.catalog.catalog import Catalog
    from preroll.perception.inspection.search import videos_like, videos_showing
    from preroll.perception.picture_vector import encoder_of, picture_vector

    if (name is None) == (image is None):
        raise PrerollError("give either a NAME or --image")
    catalog = Catalog.load(folder)
    if name is not None:
        found = videos_showing(catalog, name, most)
    elif image is not None:
        found = videos_like(catalog, picture_vector(image, encoder_of(catalog, encoder)), most)
    if found.empty:
        raise PrerollError(f"catalog {folder}: no video shows {name!r}", status=1)
    score = found.columns[1]
    found[score] = found[score].map("{:.3f}".format)
    print_table(list(found.columns), found.to_numpy().tolist(), left=("path", "category"))


@app.command()
def duplicates(folder: Folder = "demo") -> None:
    """Print the videos that a catalog has twice, two lines a pair: equal files, and others that show the same."""
    from preroll.perception.catalog.catalog import Catalog
    from preroll.perception.inspection.duplicates import find_duplicates

    found = find_duplicates(Catalog.load(folder))
    if found.empty:
        typer.echo("No video is there twice, as far as is known.")
        return
    # A line for each video, as two paths side by side have no room on a terminal.
    rows = [
        (number, f"{difference:.3f}", by, *video)
        for number, (*paths, difference, by) in enumerate(found.to_numpy().tolist(), start=1)
        for video in (paths[:2], paths[2:])
    ]
    print_table(("pair", "difference", "by", "path", "category"), rows, left=("by", "path", "category"), spare=("by",))


@app.command()
def verify(folder: Folder = "demo") -> None:
    """Hash every file of a catalog again, and check every number in it."""
    from preroll.perception.catalog.catalog import Catalog

    catalog = Catalog.load(folder)
    findings = catalog.altered()
    for finding in findings:
        typer.echo(printable(finding))
    if findings:
        raise PrerollError(f"catalog {folder}: {counted(len(findings), 'file')} not as built", status=1)
    catalog.check_values()
    files = catalog.files
    size = sum((files.folder / name).stat().st_size for name in files.files)
    typer.echo(f"{counted(len(files.files), 'file')}, {size:,} bytes: all as they were built.")


@app.command(name="demo-videos")
def demo_videos(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder that gets CATEGORY/VIDEO.mp4.")],
    per_category: Annotated[int, typer.Option(parser=parse_count, metavar="N", help="Clips per category.")] = 100,
    seed: Annotated[int, seed_option("The same seed gives the same bytes.")] = 0,
    workers: Workers = None,
) -> None:
    """Render the demo videos: three categories of short H.264 clips of drawn objects."""
    from preroll import progress
    from preroll.files import atomic
    from preroll.files.targets import check_ground
    from preroll.perception.demo.accuracy_bound import demo_accuracy_bound
    from preroll.perception.demo.videos import CATEGORIES, render_demo_videos

    check_ground(folder, str(folder))
    total, kept = per_category * len(CATEGORIES), "clips that are complete are kept; go on with the same command"
    with (
        atomic.writing_within(folder, str(folder)),
        progress.bar(total, "Rendering videos") as advance,
        writes(folder, kept),
    ):
        render_demo_videos(folder, per_category=per_category, seed=seed, workers=workers, advance=advance)
    signals.finished()
    typer.echo(f"{counted(total, 'video')} in {folder}: {', '.join(CATEGORIES)}.")
    if per_category >= 5:
        ceiling = demo_accuracy_bound(per_category, seed)
        typer.echo(f"Who saw every object would tell the category of {ceiling:.1%} of them (5-fold cross-validation).")
        typer.echo(f"Always the likeliest category: {1 / len(CATEGORIES):.1%}.")

"""`preroll predict`: tags, genres and memorability of videos, from features that are on disk."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Any

import typer

from preroll.console import signals
from preroll.console.output import printable
from preroll.console.plural import counted
from preroll.console.write_errors import writes
from preroll.errors import PrerollError
from preroll.terminal.catalog_summary import neighbors_told, response_told, warn_of_copies
from preroll.terminal.counts import seed_option
from preroll.terminal.output_options import Replace, model_files
from preroll.terminal.table import print_table
from preroll.terminal.video_options import (
    DEFAULT_MEMORY,
    DEFAULT_TIMEOUT,
    CardFile,
    Fast,
    Memory,
    Timeout,
    Trust,
    Workers,
    worker_limits,
)

if TYPE_CHECKING:
    from preroll.perception.prediction.framework.task import PredictionReport

app = typer.Typer(
    help="Predict tags, genres and memorability of videos, and put them into a catalog.", no_args_is_help=True
)

File = Annotated[Path, typer.Argument(metavar="FILE.yaml", help="Task, data, model: see docs/predictions.md.")]
SkipBad = Annotated[bool, typer.Option("--skip-bad", help="Skip bad input, and list it.")]
# More lines of a table, or of what was skipped, than these are counted; the run's files have them all.
_LISTED = 25


@app.command()
def train(
    file: File,
    skip_bad: SkipBad = False,
    replace: Annotated[bool, typer.Option("--replace", help="Replace an existing run.")] = False,
) -> None:
    """Train and measure a model, and write the run's folder that the file names.

    Example: `preroll predict train examples/predictions/tags.yaml`
    """
    from preroll import progress
    from preroll.perception.prediction.framework.settings import load_settings
    from preroll.perception.prediction.run import train as run_training

    settings = load_settings(file)
    with ExitStack() as shown:

        def started(steps: int) -> Callable[[int], None]:
            # The bar comes when all is checked, so that a mistake in the data is reported alone.
            return shown.enter_context(progress.bar(steps, f"Training {settings.task}"))

        with writes(settings.run):
            fitted, skipping = run_training(settings, skip_bad=skip_bad, replace=replace, started=started)
    signals.finished()
    _tell(fitted.report)
    _tell_skipped(skipping.found)
    typer.echo(f"\nRun: {settings.run}\nLook at it: preroll tensorboard {quote(str(settings.run))}")


@app.command()
def evaluate(file: File, skip_bad: SkipBad = False) -> None:
    """Measure a trained model again on the held-out videos of the data that the file names.

    Videos, or movies, that it was trained on are refused.

    Example: `preroll predict evaluate examples/predictions/tags.yaml`
    """
    from preroll.perception.prediction.framework.settings import load_settings
    from preroll.perception.prediction.run import evaluate as measure

    report, skipping = measure(load_settings(file), skip_bad=skip_bad)
    _tell(report)
    _tell_skipped(skipping.found)


@app.command()
def apply(
    file: File,
    out: Annotated[Path, typer.Option(help="Folder for predictions.npy, ids.json, names.json, predictions.csv.")],
    skip_bad: SkipBad = False,
    calibrated: Annotated[bool, typer.Option("--calibrated/--raw", help="Apply the run's temperature.")] = True,
) -> None:
    """Predict videos with a trained model: those of `data.apply`, which need no labels.

    Without it the held-out videos are predicted; of memorability every clip of the tables.

    Example: `preroll predict apply examples/predictions/tags.yaml --out predictions/tags`
    """
    from preroll.files.targets import check_inputs
    from preroll.perception.prediction.framework.predictions import reserved
    from preroll.perception.prediction.framework.settings import load_settings
    from preroll.perception.prediction.run import apply as predict

    settings = load_settings(file)
    check_inputs(out, f"--out {out}", (file, settings.run))
    with reserved(out), writes(out):
        found, skipping = predict(settings, skip_bad=skip_bad, calibrated=calibrated)
        found.save(out)
    signals.finished()
    _tell_skipped(skipping.found)
    typer.echo(f"{counted(len(found.ids), 'video')}, {counted(len(found.names), 'value')} each: {out}")


@app.command()
def embed(
    videos: Annotated[list[Path], typer.Argument(metavar="VIDEOS", help="Videos, or folders of videos or frames.")],
    encoder: Annotated[Path, typer.Option(help="ONNX image encoder, with its model card beside it.")],
    out: Annotated[Path, typer.Option(help="Folder for one NAME.npy per video, float32 [frames, width].")],
    card: CardFile = None,
    trust: Trust = None,
    fast: Fast = False,
    workers: Workers = None,
    worker_memory: Memory = DEFAULT_MEMORY,
    video_timeout: Timeout = DEFAULT_TIMEOUT,
) -> None:
    """Embed the frames of videos, three a second, with any ONNX image encoder.

    Videos that are in the folder already are kept, so that the same command resumes. Videos that cannot be used are
    listed with a reason, here and in problems.json; exit status 1 where there is one.

    Example: `preroll predict embed trailers/ --encoder clip-vit-b32.onnx --out embeddings`
    """
    from preroll import progress
    from preroll.files.targets import check_inputs
    from preroll.perception.analysis.analysis import USABLE
    from preroll.perception.analysis.encoder import EncoderFile
    from preroll.perception.video_embeddings import embed_videos, videos_in

    check_inputs(out, f"--out {out}", [*videos, *model_files(encoder, card)])
    limits, listed = worker_limits(worker_memory, video_timeout), videos_in(videos)
    with ExitStack() as shown:

        def started(count: int) -> Callable[[int], None]:
            return shown.enter_context(progress.bar(count, "Embedding videos"))

        with writes(out, "embeddings that are there are kept; go on with the same command"):
            network = EncoderFile.find(encoder, card, trust)
            problems = embed_videos(listed, network, out, workers=workers, limits=limits, fast=fast, started=started)
    signals.finished()
    bad = [name for name, one in problems.items() if one["status"] not in USABLE]
    typer.echo(f"{len(listed) - len(bad):,} of {counted(len(listed), 'video')} embedded: {out}")
    if problems:
        rows = [(name, one["status"], one["reason"]) for name, one in problems.items()]
        columns = ("video", "status", "reason")
        print_table(columns, rows[:_LISTED], left=columns, prose=("reason",))
    if bad:
        raise PrerollError(f"{counted(len(bad), 'video')} could not be embedded: see {out / 'problems.json'}", status=1)


@app.command()
def convert(
    source: Annotated[Path, typer.Argument(metavar="FILE.pkl", help="Pickled list or map of builtins.")],
    out: Annotated[Path, typer.Argument(metavar="FILE.json", help="The same as JSON.")],
    replace: Replace = False,
) -> None:
    """Turn a pickled list or map into JSON; a pickle that asks for anything but builtins is refused.

    Example: `preroll predict convert labels.pkl labels.json`
    """
    from preroll.files import atomic
    from preroll.files.kinds import JSON
    from preroll.files.streams import messages_beside
    from preroll.files.targets import writing_file
    from preroll.perception.prediction.formats.plain_pickle import read_plain_pickle
    from preroll.perception.prediction.run import plain

    if out.is_dir():
        raise PrerollError(f"{out}: is a folder; must be a file, as labels.json")
    with writing_file(out, str(out), JSON, replace=replace, inputs=(source,)), messages_beside(out):
        content = read_plain_pickle(source)
        try:
            atomic.write_json(out, plain(content))
        except (TypeError, ValueError) as error:
            raise PrerollError(f"{source}: cannot be JSON: {error}") from None
        signals.finished()
        typer.echo(f"{out}: {type(content).__name__} of {len(content) if hasattr(content, '__len__') else 1}")


@app.command()
def annotate(
    source: Annotated[str, typer.Argument(metavar="CATALOG", help="Folder of a catalog, or demo.")],
    out: Annotated[Path, typer.Option(help="Folder of the new catalog.")],
    categories: Annotated[Path | None, typer.Option(help="Predictions whose names are the categories.")] = None,
    tags: Annotated[Path | None, typer.Option(help="Predictions of tags: neighbours by them.")] = None,
    memorability: Annotated[Path | None, typer.Option(help="Predictions of memorability.")] = None,
    truth: Annotated[Path | None, typer.Option(help="True memorability: ground_truth.csv, or such a folder.")] = None,
    response: Annotated[
        Path | None, typer.Option(help="P(view) by your own model: .csv or .parquet of video, ad, probability.")
    ] = None,
    words: Annotated[
        Path | None, typer.Option(help="Vectors of words by the catalog's encoder, .npy; with --names.")
    ] = None,
    names: Annotated[Path | None, typer.Option(help="The words, one a line.")] = None,
    neighbors_by: Annotated[
        str | None, typer.Option(help="Find neighbours again: by objects, embedding or tags.")
    ] = None,
    calibrate: Annotated[bool, typer.Option("--calibrate", help="Heat the categories' probabilities.")] = False,
    picture: Annotated[Path | None, typer.Option(help="Reliability before and after --calibrate.")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace a picture that is of another kind.")] = False,
) -> None:
    """Put predictions (folders that `apply` wrote, ids being the catalog's paths) into a copy of a catalog.

    --response takes a table with a row for every video and ad (group.name) instead, by which users then answer in
    scenarios of `response: catalog`.

    Example: `preroll predict annotate DIR --tags predictions/tags --out DIR-with-tags`
    """
    from preroll.files import atomic
    from preroll.files.kinds import PNG, SVG
    from preroll.files.streams import messages_beside
    from preroll.files.targets import check_inputs, writing_file
    from preroll.perception.catalog.catalog import Catalog
    from preroll.perception.prediction.catalog_update import measured_memorability, update_catalog
    from preroll.perception.prediction.category_calibration import calibration_copies
    from preroll.perception.prediction.framework.predictions import Predictions
    from preroll.perception.prediction.response import Response
    from preroll.perception.prediction.words import read_words

    def read(path: Path | None) -> Predictions | None:
        return None if path is None else Predictions.open(path)

    if (words is None) != (names is None):
        raise PrerollError("--words and --names: give both, or neither")
    catalog = Catalog.load(source)
    inputs = (catalog.path, categories, tags, memorability, truth, response, words, names)
    check_inputs(out, f"--out {out}", inputs)
    wanted = writing_file(picture, f"--picture {picture}", PNG, SVG, replace=replace, inputs=inputs)
    with writes(out), atomic.writing(out, f"--out {out}"), wanted, messages_beside(picture):
        made = update_catalog(
            catalog,
            out,
            categories=read(categories),
            tags=read(tags),
            memorability=read(memorability),
            true_memorability=None if truth is None else measured_memorability(truth),
            response=None if response is None else Response.read(response, catalog),
            words=None if words is None or names is None else read_words(words, names),
            neighbors_by=neighbors_by,  # type: ignore[arg-type]  # checked there
            calibrate=calibrate,
            picture=picture,
        )
        signals.finished()
        typer.echo(f"{made!r}\n{neighbors_told(made)}")
        if response is not None:
            typer.echo(response_told(made))
        if words is not None and made.manifest["predictions"].get("categories", {}).get("task") != "words":
            missing = next((name for name in made.categories if name not in made.classes), "")
            typer.echo(f"note: no word is the category {printable(missing)!r}: categories stay as they were")
        if calibrate:
            warn_of_copies(calibration_copies(made), made.n_videos)


@app.command()
def generate(
    task: Annotated[str, typer.Argument(metavar="TASK", help="tags, genres or memorability.")],
    out: Annotated[Path, typer.Option(help="Folder of the data set.")],
    seed: Annotated[int, seed_option("The same seed gives the same bytes.")] = 0,
    catalog: Annotated[
        str | None, typer.Option(help="Memorability: clips that are called as the videos of this catalog.")
    ] = None,
) -> None:
    """Make a small data set in the exact file format of a task, whose best reachable score is known.

    Example: `preroll predict generate genres --out runs/genres-data`
    """
    from preroll.perception.catalog.catalog import Catalog
    from preroll.perception.prediction.catalog_update import bare_paths
    from preroll.perception.prediction.generators.best_reachable import best_reachable, generate_data

    names = [] if catalog is None else bare_paths(Catalog.load(catalog))
    with writes(out):
        made = generate_data(task, out, seed, names)
    signals.finished()
    for name, value in best_reachable(task, made).items():
        typer.echo(f"Who knew how it was made would reach {name} {value:.4f}.")
    typer.echo(f"Data: {out}")


def _tell(report: "PredictionReport") -> None:
    print_table(
        ("metric", "value"), [(name, _number(value)) for name, value in report.metrics.items()], left=("metric",)
    )
    if report.table.rows:
        typer.echo()
        rows = [tuple(_number(value) for value in row) for row in report.table.rows[:_LISTED]]
        print_table(report.table.columns, rows, left=report.table.text)
        if len(report.table.rows) > _LISTED:
            typer.echo(f"… and {len(report.table.rows) - _LISTED:,} more: see metrics.csv.")
    for note in report.notes:
        typer.echo(printable(note))


def _number(value: Any) -> str:
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def _tell_skipped(found: list[str]) -> None:
    if found:
        typer.echo(f"\nSkipped {counted(len(found), 'piece')} of bad input:")
        for line in found[:_LISTED]:
            typer.echo(f"  {printable(line)}")
        if len(found) > _LISTED:
            typer.echo(f"  … and {len(found) - _LISTED:,} more: see result.json.")

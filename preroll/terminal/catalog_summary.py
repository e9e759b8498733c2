"""Summaries of a catalog and of a build, as `preroll catalog` prints them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from preroll.console.output import printable
from preroll.console.plural import counted, percent
from preroll.terminal.table import print_table

if TYPE_CHECKING:
    from preroll.perception.build_report import BuildReport
    from preroll.perception.catalog.catalog import Catalog
    from preroll.perception.inspection.category_report import CategoryReport

# More left-out videos than these are counted, for videos.csv names them all; of more categories no matrix is printed.
_LISTED = 20
_LARGEST_MATRIX = 12
CATEGORY_COLUMNS = ("category", "videos", "without objects", "most important classes (mean importance)")


def describe(catalog: "Catalog", *, built: bool = False) -> None:
    """Prints a catalog's categories, the objects in their videos, and how well categories are recognised.

    Args:
        catalog: the catalog.
        built: whether it was built just now, which told already of a network that knows nothing of the videos.
    """
    typer.echo(
        f"Catalog {catalog.path}: {counted(catalog.n_videos, 'video')},"
        f" {counted(len(catalog.classes), 'object class', 'object classes')}."
    )
    typer.echo(f"Made by: {printable(catalog.manifest['command'])}")
    if detector := detector_told(catalog):
        typer.echo(detector)
    if not built and (wrong := wrong_network_told(catalog)):
        typer.echo(f"note: {wrong}", err=True)
    typer.echo()
    print_table(
        CATEGORY_COLUMNS,
        category_rows(catalog),
        left=(CATEGORY_COLUMNS[0], CATEGORY_COLUMNS[3]),
        prose=CATEGORY_COLUMNS[3:],
    )
    typer.echo()
    first, *others = quality_told(catalog)
    typer.echo(first)
    _print_matrix(catalog)
    for sentence in others:
        typer.echo(sentence)


def category_rows(catalog: "Catalog") -> list[tuple[str, int, int, str]]:
    """Returns a row of :data:`CATEGORY_COLUMNS` for every category."""
    rows = []
    for k, name in enumerate(catalog.categories):
        shown = catalog.importance[catalog.category == k]
        means = shown.mean(0) if len(shown) else shown.sum(0)
        top = [f"{catalog.classes[c]} {means[c]:.2f}" for c in (-means).argsort(kind="stable")[:4] if means[c] > 0]
        rows.append((name, len(shown), int((~shown.any(1)).sum()), ", ".join(top)))
    return rows


def quality_told(catalog: "Catalog") -> list[str]:
    """Returns sentences on how well categories are recognised, and on neighbours."""
    neighbors = neighbors_told(catalog) + _search_told(catalog)
    response = [response_told(catalog)] if catalog.has("response") else []
    return [_category_told(catalog), *_ceiling_told(catalog), neighbors, *_embedding_told(catalog), *response]


def response_told(catalog: "Catalog") -> str:
    """Returns a sentence about the response of the user's own model."""
    assert catalog.response is not None
    means = catalog.response.mean(axis=0)
    lowest, highest = (
        f"{printable(catalog.response_ads[at])} {means[at]:.3f}" for at in (means.argmin(), means.argmax())
    )
    ads = counted(len(means), "ad")
    return f"P(view) by a model of yours, for `response: catalog`: {ads}; mean from {lowest} to {highest}."


def _ceiling_told(catalog: "Catalog") -> list[str]:
    from preroll.perception.demo.accuracy_bound import known_ceiling

    if (ceiling := known_ceiling(catalog)) is None:
        return []
    largest = max((catalog.category == k).sum() for k in range(len(catalog.categories)))
    return [
        f"Who saw every object of these clips would tell the category of {percent(ceiling)} of them.",
        f"Always the likeliest category: {percent(largest / catalog.n_videos)}.",
    ]


def _category_told(catalog: "Catalog") -> str:
    from preroll.perception.inspection.chance import categories_beat_chance

    report = report_of(catalog)
    if report is None:
        what = "groups of videos" if catalog.grouped_by else "videos"
        few = f"a category has fewer than two {what} to learn from"
        why = few if catalog.category_probabilities is None else "no video's true category is known"
        return f"Category from {_source(catalog)}: not measured, for {why}."
    return (
        f"Category from {_source(catalog)}: {percent(report.accuracy)} right{_judge(catalog)};"
        f" macro F1 {report.macro_f1:.3f}, Brier {report.brier:.3f}, calibration error (ECE) {report.ece:.3f};"
        f" always the likeliest category {percent(report.majority)} right"
        f"{_unless(categories_beat_chance(catalog), report.accuracy > report.majority)}."
    )


def detector_told(catalog: "Catalog") -> str:
    """Returns what found the objects and what it was trained on; nothing where that is not known."""
    from preroll.perception.onnx_models import networks

    detector = catalog.manifest.get("detector")
    if not isinstance(detector, dict):
        return ""
    trained = networks.trained_on(str(detector.get("sha256")))
    return f"Detector: {printable(str(detector.get('name')))}{f', trained on {trained}' if trained else ''}."


def wrong_network_told(catalog: "Catalog") -> str:
    """Returns that the network knows nothing of what the videos show, and what helps; nothing where it does."""
    from preroll.perception.ingest.chosen_detector import KEY, Looked, wrong_network
    from preroll.perception.onnx_models import networks

    detector, looked = catalog.manifest.get("detector"), Looked.read(catalog.manifest.get(KEY))
    if not isinstance(detector, dict) or looked is None or not looked.photographs:
        return ""
    if not networks.knows_drawings_alone(str(detector.get("sha256"))):
        return ""
    return wrong_network(looked, printable(str(detector.get("name"))), "preroll catalog build … --replace")


def report_of(catalog: "Catalog") -> "CategoryReport | None":
    """Returns how well categories are recognised for videos of known category, or None if that was not measured."""
    from preroll.perception.inspection.category_report import category_report

    known = catalog.category >= 0
    if catalog.category_probabilities is None or not known.any():
        return None
    return category_report(catalog.category_probabilities[known], catalog.category[known], catalog.categories)


def _print_matrix(catalog: "Catalog") -> None:
    report = report_of(catalog)
    if report is not None and 1 < len(report.categories) <= _LARGEST_MATRIX:
        rows = [(name, *row) for name, row in zip(report.categories, report.confusion.tolist(), strict=True)]
        heading = "true category, predicted as"
        print_table((heading, *report.categories), rows, left=(heading,))
        typer.echo()


def _source(catalog: "Catalog") -> str:
    """Returns what the category probabilities were computed from."""
    from preroll.perception.catalog.manifest import SYNTHETIC

    if SYNTHETIC in catalog.manifest:
        return "planted content"
    predicted = catalog.manifest.get("predictions", {}).get("categories")
    return "objects" if predicted is None else f"predicted {predicted['task']}"


def _judge(catalog: "Catalog") -> str:
    of = " or its group" if catalog.grouped_by else ""
    # What predictions learned from is not known here.
    judge = f", each video judged by a model that never saw it{of}" if _source(catalog) == "objects" else ""
    other = "other groups" if catalog.grouped_by else "other videos"
    return judge + (f", calibrated on {other}" if catalog.manifest.get("category_calibrated") else "")


def _search_told(catalog: "Catalog") -> str:
    found = catalog.manifest.get("neighbors", {})
    how = f" They were found approximately: recall {percent(found['recall'])}." if "recall" in found else ""
    return how + (" They are neighbours by the embedding." if found.get("by") == "embedding" else "")


def _embedding_told(catalog: "Catalog") -> list[str]:
    """Returns how neighbours by objects and by the embedding compare, clip by clip, where there is an embedding."""
    from preroll.perception.inspection.neighbor_quality import FEWEST, neighbor_quality

    quality = neighbor_quality(catalog)
    if quality is None:
        return []
    total = sum(quality.clips.values())
    clips = ", ".join(f"{printable(name)} {count:,}" for name, count in quality.clips.items())
    each = "" if catalog.grouped_by else " (each video for one: --group-by names pieces of a clip)"
    shares = f"by objects {percent(quality.by_objects)}, by embedding {percent(quality.by_embedding)}"
    what = f"Neighbours from other clips in the own category, mean over {counted(total, 'independent clip')}{each}"
    measured = f"{what}: {shares}, by chance {percent(quality.chance)}."
    if few := quality.too_few:
        return [
            measured,
            f"Nothing can be concluded from this: {', '.join(map(printable, few))}"
            f" {'has' if len(few) == 1 else 'have'} fewer than {FEWEST} independent clips ({clips}).",
        ]
    return [
        measured,
        f"By embedding {counted(quality.better, 'clip')} better and {quality.worse:,} worse (sign test, p ="
        f" {quality.p:.2g}); clips: {clips}.",
    ]


def neighbors_told(catalog: "Catalog") -> str:
    """Returns a sentence about the categories of neighbours."""
    from preroll.perception.inspection.chance import neighbors_beat_chance

    own, chance = catalog.neighbors_in_category()
    better = _unless(neighbors_beat_chance(catalog), own > chance)
    of = " of other groups" if catalog.grouped_by else ""
    return f"Neighbours{of} in the video's own category: {percent(own)}; by chance {percent(chance)}{better}."


def _unless(shown: bool | None, more: bool) -> str:
    """Returns the words for what an exact test does not show to be better than chance, though it may be ``more``."""
    if shown is not False:
        return ""
    return ": the difference may be chance" if more else ": no better than chance"


def warn_of_copies(copies: Sequence[tuple[str, str]], total: int, what: str = "video") -> None:
    """Warns in one line if the judged resemble what their judge learned from, so that accuracies are too high."""
    if copies:
        one, other = (printable(name) for name in copies[0])
        typer.echo(
            f"warning: {len(copies):,} of {counted(total, what)} nearly equal one that their judge learned from,"
            f" such as {one} and {other}; if they show one clip, accuracies are too high: see --group-by",
            err=True,
        )


def warn_of_equals(equal: Sequence[tuple[str, str]]) -> None:
    """Warns in one line if equal files are in two categories, of which one must be wrong."""
    if equal:
        one, other = (printable(name) for name in equal[0])
        typer.echo(
            f"warning: {counted(len(equal), 'file is', 'files are')} in two categories, such as {one} and {other};"
            " preroll catalog duplicates lists what is there twice",
            err=True,
        )


def tell_losses(report: "BuildReport") -> None:
    """Prints the videos that a build skipped or analysed in part, with reasons."""
    total = report.catalog.n_videos + len(report.left_out)
    if report.resumed:
        known = f"{report.resumed:,} of {counted(total, 'video')}"
        typer.echo(f"{known} known from before, with no change since.")
    if report.left_out or report.partial:
        left = f"{len(report.left_out):,} of {counted(total, 'video')} left out"
        typer.echo(f"\n{left}; {len(report.partial):,} seen in part.")
        rows = (*report.left_out, *report.partial)
        list_videos([(row.listed.path, row.analysis.status, row.analysis.reason) for row in rows])
    if report.others:
        typer.echo(f"{counted(report.others, 'other file')} beside the videos passed over.")


def list_videos(rows: list[tuple[str, str, str]]) -> None:
    """Prints videos with their status and reason."""
    columns = ("video", "status", "reason")
    print_table(columns, rows[:_LISTED], left=columns, prose=("reason",))
    if len(rows) > _LISTED:
        typer.echo(f"… and {len(rows) - _LISTED:,} more: see videos.csv.")


def no_video_left(report: "BuildReport") -> str:
    """Returns the names of categories without any usable video."""
    names = ", ".join(printable(name) for name in report.empty)
    return f"no usable video is left in: {names}; the catalog is without them"

"""Predictions in a catalog, used by the recommender and observed by agents; true categories stay unchanged."""

import hashlib
import shutil
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from preroll.console.nearest import known
from preroll.errors import PrerollError
from preroll.files import atomic, manifest
from preroll.files.streams import is_stream
from preroll.perception.catalog.catalog import Catalog
from preroll.perception.catalog.manifest import KIND, RESPONSE_ADS, about_array
from preroll.perception.features.neighbors import SOURCES, NeighborsBy, nearest_neighbors, neighbor_vectors
from preroll.perception.prediction.framework.predictions import Predictions
from preroll.perception.prediction.metrics.ranking import best_classes
from preroll.perception.prediction.metrics.regression import ranks
from preroll.perception.prediction.response import Response
from preroll.perception.prediction.words import Words, word_arrays

#: Number of tags per video that enter the recommender's vectors.
BEST_TAGS = 20
_LABELS = ("tags", "genres")
#: Tasks whose predictions each option accepts; the recommender's vectors may come from genres as well as from tags.
_TASKS = {"categories": _LABELS, "tags": _LABELS, "memorability": ("memorability",), "truth": ("memorability",)}


def tag_vectors(probabilities: NDArray[np.floating], best: int = BEST_TAGS) -> NDArray[np.float32]:
    """Computes the recommender's vectors: square roots of a video's largest tag probabilities, scaled to length 1.

    The dot product of two videos is the Bhattacharyya overlap of their tags. Raw features encode brightness and camera
    as well as content; tags encode content alone.

    Args:
        probabilities: [N, K].
        best: number of tags per video that are kept; the others count as 0.

    Returns:
        float32 [N, K], unit vectors; a row is zero if all its probabilities are 0.
    """
    places = best_classes(probabilities, best)
    vectors = np.zeros(probabilities.shape)
    np.put_along_axis(vectors, places, np.sqrt(np.clip(np.take_along_axis(probabilities, places, 1), 0, 1)), 1)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    units: NDArray[np.float32] = (vectors / np.where(lengths > 0, lengths, 1)).astype(np.float32)
    return units


def category_probabilities(predicted: Predictions, catalog: Catalog, ids: list[str]) -> NDArray[np.float32]:
    """Computes the probabilities of the catalog's categories from predictions.

    Args:
        predicted: calibrated predictions; their names must include every category, and may include others.
        catalog: catalog with K categories.
        ids: ids of the N videos in the predictions.

    Returns:
        float32 [N, K], rows of sum 1; uniform where all predicted probabilities are 0.

    Raises:
        PrerollError: a category is not among the names, or nothing is predicted about a video.
    """
    if missing := [name for name in catalog.categories if name not in predicted.names]:
        raise PrerollError(f"--categories: nothing is predicted about the category {missing[0]!r}")
    columns = [predicted.names.index(name) for name in catalog.categories]
    values = np.clip(predicted.rows_of(ids)[:, columns].astype(np.float64), 0, 1)
    sums = values.sum(1, keepdims=True)
    shares = np.where(sums > 0, values / np.where(sums > 0, sums, 1), 1 / len(columns))
    found: NDArray[np.float32] = shares.astype(np.float32)
    return found


def quantiles(scores: NDArray[np.floating]) -> NDArray[np.float32]:
    """Computes the quantile (rank − 1/2) / N of each score, float32 [N]; equal scores share their mean rank."""
    found: NDArray[np.float32] = ((ranks(np.asarray(scores, np.float64)) - 0.5) / len(scores)).astype(np.float32)
    return found


def update_catalog(
    catalog: str | Path | Catalog,
    out: str | Path,
    *,
    categories: Predictions | None = None,
    tags: Predictions | None = None,
    memorability: Predictions | None = None,
    true_memorability: Predictions | None = None,
    response: Response | None = None,
    words: Words | None = None,
    neighbors_by: NeighborsBy | None = None,
    calibrate: bool = False,
    picture: str | Path | None = None,
) -> Catalog:
    """Writes a copy of a catalog with predictions added.

    Ids of the predictions are the paths of the catalog's videos, with or without suffix.

    Args:
        catalog: name, folder or catalog; one on disk.
        out: folder of the copy; an older catalog in it is replaced.
        categories: replaces ``category_probabilities``, from which agents observe the category.
        tags: replaces ``neighbors`` and ``neighbor_scores``, from which the recommender draws the next video.
        memorability: becomes ``memorability_quantile``, which agents observe. Predictions about videos of movies that
            the model was trained on must be out-of-fold, as ``preroll predict apply`` writes them.
        true_memorability: becomes ``memorability``, the true values, on which rewards depend.
        response: becomes ``response``, by which users answer under ``response: catalog``.
        words: take the place of the object classes in ``importance``; where every category is a word and no categories
            are given, also replaces ``category_probabilities``, calibrated if enough categories are known.
        neighbors_by: computes the neighbours again, by the catalog's objects or embedding; with ``tags`` given by them.
        calibrate: whether the category probabilities, given or those of the catalog, are temperature-scaled, each
            video's by a temperature that is fitted on other videos.
        picture: file of the reliability diagram of these probabilities before and after; requires ``calibrate``.

    Returns:
        The written catalog.

    Raises:
        PrerollError: ``out`` contains something other than a catalog, no predictions are given, they are of the wrong
            task, or a video is not predicted.
    """
    from preroll.perception.ingest.writer import check_replaceable
    from preroll.perception.prediction.category_calibration import can_calibrate

    catalog, out, picture = Catalog.load(catalog), Path(out), None if picture is None else Path(picture)
    given = {"categories": categories, "tags": tags, "memorability": memorability, "truth": true_memorability}
    used = {name: one for name, one in given.items() if one is not None}
    _check(catalog, used, response is None and words is None, calibrate, picture, neighbors_by)
    source = catalog.files
    if out.exists() and out.samefile(source.folder):
        raise PrerollError(f"--out {out}: is the catalog itself; give another folder")
    check_replaceable(out)
    with atomic.writing(out, f"--out {out}"):
        arrays = _arrays(catalog, used, words, neighbors_by)
        if response is not None:
            arrays["response"] = response.checked(catalog)
        zero_shot = words is not None and "categories" not in used and "category_probabilities" in arrays
        if calibrate := calibrate or (zero_shot and can_calibrate(catalog)):
            arrays["category_probabilities"] = _calibrated(catalog, arrays, picture)

        by = "tags" if "tags" in used else neighbors_by
        facts = _facts(catalog, arrays, used, words, response, by, calibrate)
        _write(source, out, arrays, words, facts)
    return Catalog.load(out)


def _write(
    source: manifest.Manifest, out: Path, arrays: dict[str, NDArray[Any]], words: Words | None, facts: dict[str, Any]
) -> None:
    """Writes a copy of a catalog's files, but for those that ``arrays`` and ``words`` replace."""

    def about(name: str) -> dict[str, Any]:
        known = {key: value for key, value in source.files.get(name, {}).items() if key in ("dtype", "shape")}
        return known | about_array(arrays.get(name.removesuffix(".npy")))

    with atomic.folder(out, KIND, f"--out {out}") as folder:
        for name in source.files:
            # Detections are those of the classes that words replace.
            replaced = words is not None and (name == "classes.json" or name.startswith("detections/"))
            if name.removesuffix(".npy") not in arrays and not replaced:
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source.verified(name), folder / name)
        for name, array in arrays.items():
            atomic.save_array(folder / f"{name}.npy", array)
        if words is not None:
            atomic.write_json(folder / "classes.json", list(words.names))
        manifest.write(folder, KIND, facts, about=about)


def _check(
    catalog: Catalog,
    used: dict[str, Predictions],
    nothing_else: bool,
    calibrate: bool,
    picture: Path | None,
    neighbors_by: str | None,
) -> None:
    if not used and nothing_else and not calibrate and neighbors_by is None:
        raise PrerollError(
            "give at least one of --categories, --tags, --memorability, --truth, --response, --words, --neighbors-by,"
            " --calibrate"
        )
    _check_neighbors(catalog, neighbors_by, tags="tags" in used)
    for name, one in used.items():
        if one.task not in _TASKS[name]:
            raise PrerollError(f"--{name}: these are predictions of {one.task}; must be of {' or '.join(_TASKS[name])}")
    if picture is not None and not calibrate:
        raise PrerollError("--picture: shows what --calibrate did; give both")
    if picture is not None and picture.suffix.lower() not in (".png", ".svg") and not is_stream(picture):
        raise PrerollError(f"--picture {picture}: must end in .png or .svg")


def _check_neighbors(catalog: Catalog, by: str | None, *, tags: bool) -> None:
    if by not in (None, *SOURCES):
        raise PrerollError(f"--neighbors-by {by}: {known(by, 'must be one of', SOURCES)}")
    if by == "tags" and not tags:
        raise PrerollError("--neighbors-by tags: give predictions of tags with --tags")
    if by not in (None, "tags") and tags:
        raise PrerollError(f"--neighbors-by {by}: --tags makes neighbours too; give one of them")
    if by == "embedding" and not catalog.has("embedding"):
        raise PrerollError(
            f"--neighbors-by embedding: the catalog {catalog.path} has no embeddings; `preroll catalog build --embed`"
            " adds them"
        )


def _arrays(
    catalog: Catalog, used: dict[str, Predictions], words: Words | None, neighbors_by: NeighborsBy | None
) -> dict[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {} if words is None else {**word_arrays(catalog, words)}
    if "categories" in used:
        ids = _ids(catalog, used["categories"])
        arrays["category_probabilities"] = category_probabilities(used["categories"], catalog, ids)
    if "tags" in used:
        vectors = tag_vectors(used["tags"].rows_of(_ids(catalog, used["tags"])))
        # Columns that are zero for all videos do not change the scores, but cost memory.
        arrays["neighbors"], arrays["neighbor_scores"] = nearest_neighbors(vectors[:, vectors.any(0)])
    elif neighbors_by is not None:
        vectors = neighbor_vectors(arrays.get("importance", catalog.importance), catalog.embedding, neighbors_by)
        arrays["neighbors"], arrays["neighbor_scores"] = nearest_neighbors(vectors)
    if "memorability" in used:
        scores = used["memorability"].rows_of(_ids(catalog, used["memorability"]))[:, 0]
        arrays["memorability_quantile"] = quantiles(scores)
    if "truth" in used:
        true = used["truth"].rows_of(_ids(catalog, used["truth"]))[:, 0]
        if not ((true >= 0) & (true <= 1)).all():
            raise PrerollError("--truth: the true memorability must lie in [0, 1]")
        arrays["memorability"] = np.asarray(true, np.float32)
    return arrays


def _calibrated(catalog: Catalog, arrays: dict[str, NDArray[Any]], picture: Path | None) -> NDArray[np.float32]:
    from preroll.perception.prediction.category_calibration import calibrated_categories, draw_category_reliability

    before = arrays.get("category_probabilities", catalog.category_probabilities)
    if before is None:
        raise PrerollError(f"--calibrate: catalog {catalog.path} has no probabilities of categories")
    after, _ = calibrated_categories(before, catalog.category, groups=catalog.groups)
    if picture is not None:
        try:
            draw_category_reliability(picture, before, after, catalog.category)
        except OSError as error:
            raise PrerollError(f"--picture {picture}: cannot be written: {error.strerror}") from None
    return after


def measured_memorability(path: Path) -> Predictions:
    """Reads memorability scores from a ``ground_truth.csv`` or a folder written by ``preroll predict apply``."""
    from preroll.perception.prediction.formats.memorability_csv import read_ground_truth
    from preroll.perception.prediction.framework.bad_input import Skipping

    if atomic.current(path).is_dir():
        return Predictions.open(path)
    truth = read_ground_truth(path, Skipping())
    return Predictions("memorability", truth.names, ("memorability",), truth.scores[:, None].astype(np.float32))


def bare_paths(catalog: Catalog) -> list[str]:
    """Returns the paths of the catalog's N videos without suffix: CATEGORY/VIDEO."""
    return [PurePosixPath(path).with_suffix("").as_posix() for path in _paths(catalog)]


def _paths(catalog: Catalog) -> list[str]:
    table = catalog.videos()
    return [str(path) for path in table[table["index"] >= 0].sort_values("index")["path"]]


def _ids(catalog: Catalog, predicted: Predictions) -> list[str]:
    """Returns the ids of the catalog's N videos in the predictions: their paths, with or without suffix."""
    known = set(predicted.ids)
    pairs = zip(_paths(catalog), bare_paths(catalog), strict=True)
    return [path if path in known else bare for path, bare in pairs]


def _facts(
    catalog: Catalog,
    arrays: dict[str, NDArray[Any]],
    used: dict[str, Predictions],
    words: Words | None,
    response: Response | None,
    by: str | None,
    calibrate: bool,
) -> dict[str, Any]:
    """Returns the entries of the new manifest but for format and files."""
    given = [f"--{name} …" for name in used]
    given += ["--response …"] if response is not None else []
    given += ["--words … --names …"] if words is not None else []
    given += [f"--neighbors-by {by}"] if by is not None and "tags" not in used else []
    options = " ".join([*given, *(["--calibrate"] if calibrate else [])])
    added = {name: {"task": one.task, "sha256": _sha256(one.values)} for name, one in used.items()}
    facts = {key: value for key, value in catalog.manifest.items() if key not in ("format", "version", "files")}
    if response is not None:
        added["response"] = {"task": "response", "sha256": _sha256(response.values)}
        facts[RESPONSE_ADS] = list(response.ads)
    if words is not None:
        told = {"task": "words", "sha256": words.sha256}
        added["words"] = told
        if "category_probabilities" in arrays and "categories" not in used:
            added["categories"] = told
        facts["importance"] = {"kind": "words", "idf": False}
    facts["command"] = f"{facts['command']} && preroll predict annotate DIR {options} --out DIR"
    # Facts about replaced arrays are outdated.
    if "category_probabilities" in arrays:
        facts["category_calibrated"] = calibrate
    if "neighbors" in arrays:
        facts["neighbors"] = {"exact": True, **({"by": by} if by == "embedding" else {})}
    return {**facts, "predictions": {**facts.get("predictions", {}), **added}}


def _sha256(values: NDArray[Any]) -> str:
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()

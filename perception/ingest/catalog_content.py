"""The arrays of a catalog, computed from the analyses of all videos: importance, neighbours and categories."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from preroll.console.nearest import known
from preroll.console.plural import counted
from preroll.errors import PrerollError
from preroll.perception.features.categories import (
    CLASSIFIERS,
    TRAIN,
    Classifier,
    category_folds,
    out_of_fold_probabilities,
)
from preroll.perception.features.folds import near_copies
from preroll.perception.features.importance import KINDS, Kind, idf_weighted, importance
from preroll.perception.features.neighbors import (
    SOURCES,
    NeighborsBy,
    approximate_neighbors,
    nearest_neighbors,
    neighbor_vectors,
)
from preroll.perception.features.reduction import SIZE, reduce_embeddings
from preroll.perception.ingest.writer import Content, VideoRow
from preroll.perception.onnx_models.model_card import ModelCard

_LARGEST = 4096


@dataclass(frozen=True)
class CatalogOptions:
    """How importance, categories and neighbours are computed from the detections.

    Attributes:
        importance: contribution of a frame to the importance of a class: ``confidence``, ``presence`` or ``area``.
        idf: weight classes by inverse document frequency, that is, by how few videos show them.
        classifier: predicts the category: ``logistic-regression``, ``random-forest`` or ``gradient-boosting``.
        approximate: find neighbours with a graph index, which may miss some; for more than 100,000 videos.
        neighbors_by: vectors whose cosines make neighbours: ``objects`` (importance) or ``embedding``.
        embed_size: numbers to which embeddings are reduced for agents, at most.

    Examples:
        >>> from preroll.perception import CatalogOptions, Detector
        >>> options = CatalogOptions(importance="presence", idf=True)
        >>> options.classifier
        'logistic-regression'
        >>> options.check(Detector().card)  # raises PrerollError if the detector cannot provide what they need
    """

    importance: Kind = "confidence"
    idf: bool = False
    classifier: Classifier = "logistic-regression"
    approximate: bool = False
    neighbors_by: NeighborsBy = "objects"
    embed_size: int = SIZE

    def check(self, card: ModelCard | None, *, embed: bool = False) -> None:
        """Checks that the options exist and that the detector, if it is known, supports them.

        Args:
            card: card of the detector, if it is known.
            embed: whether videos are embedded.

        Raises:
            PrerollError: naming the option and the allowed values.
        """
        if self.importance not in KINDS:
            raise PrerollError(f"--importance {self.importance}: {known(self.importance, 'must be one of', KINDS)}")
        if self.classifier not in CLASSIFIERS:
            raise PrerollError(
                f"--classifier {self.classifier}: {known(self.classifier, 'must be one of', CLASSIFIERS)}"
            )
        if self.neighbors_by not in SOURCES:
            raise PrerollError(
                f"--neighbors-by {self.neighbors_by}: {known(self.neighbors_by, 'must be one of', SOURCES)}"
            )
        if self.neighbors_by == "tags":
            raise PrerollError(
                "--neighbors-by tags: tags are predicted of a catalog that is there: `preroll predict annotate --tags`"
            )
        if self.neighbors_by == "embedding" and not embed:
            raise PrerollError("--neighbors-by embedding: videos are not embedded; give --embed too")
        if not 1 <= self.embed_size <= _LARGEST:
            raise PrerollError(f"--embed-size {self.embed_size}: must lie in 1 … {_LARGEST}")
        if self.importance == "area" and card is not None and not card.finds_objects:
            raise PrerollError(
                f"--importance area: the detector {card.name} says what a frame shows and not where;"
                " give one that finds objects with --detector"
            )


def catalog_content(rows: list[VideoRow], card: ModelCard, choices: CatalogOptions, facts: dict[str, Any]) -> Content:
    """Computes the arrays of a catalog.

    Args:
        rows: every video, sorted by category and path.
        card: card of the detector.
        choices: how the arrays are computed from the detections.
        facts: entries of the manifest, to which more are added.

    Raises:
        PrerollError: if no video can be used.
    """
    usable = [row for row in rows if row.analysis.usable]
    if not usable:
        first = rows[0]
        raise PrerollError(
            f"none of {counted(len(rows), 'video')} can be used; the first, {first.listed.path}:"
            f" {first.analysis.reason}",
            status=1,
        )
    categories = tuple(sorted({row.listed.category for row in usable}))
    category = np.array([categories.index(row.listed.category) for row in usable], np.int16)
    shown = np.stack(
        [importance(row.analysis.found, row.analysis.frames, len(card.classes), choices.importance) for row in usable]
    )
    if choices.idf:
        shown = idf_weighted(shown)
    arrays: dict[str, NDArray[Any]] = {"category": category, "importance": shown}
    embedded = _embedded(usable, choices)
    arrays |= embedded
    recall = _add_neighbors(arrays, choices)
    train, groups = _train(usable), _groups(usable)
    probabilities = out_of_fold_probabilities(
        shown, category, len(categories), classifier=choices.classifier, train=train, groups=groups
    )
    folds = category_folds(category, len(categories), train=train, groups=groups)
    if probabilities is not None:
        arrays["category_probabilities"] = probabilities
    more: dict[str, Any] = {
        "left_out": len(rows) - len(usable),
        "importance": {"kind": choices.importance, "idf": choices.idf},
        "classifier": choices.classifier,
        "neighbors": {"exact": not choices.approximate, **recall},
    }
    if choices.neighbors_by != "objects":
        more["neighbors"]["by"] = choices.neighbors_by
    return Content(
        rows, categories, card.classes, arrays, {**facts, **more}, card.finds_objects, near_copies(shown, folds or [])
    )


def _embedded(rows: list[VideoRow], choices: CatalogOptions) -> dict[str, NDArray[Any]]:
    """Returns the arrays of the embeddings; none if the videos were not embedded."""
    if not rows[0].analysis.vectors.size:
        return {}
    vectors = np.concatenate([row.analysis.vectors for row in rows]).astype(np.float16)
    return {"embedding": vectors, **reduce_embeddings(vectors, choices.embed_size).arrays}


def _add_neighbors(arrays: dict[str, NDArray[Any]], choices: CatalogOptions) -> dict[str, float]:
    shown = neighbor_vectors(arrays["importance"], arrays.get("embedding"), choices.neighbors_by)
    if choices.approximate:
        (neighbors, scores), recall = approximate_neighbors(shown)
        measured = {"recall": round(recall, 4)}
    else:
        (neighbors, scores), measured = nearest_neighbors(shown), {}
    arrays["neighbors"], arrays["neighbor_scores"] = neighbors, scores
    return measured


def _groups(rows: list[VideoRow]) -> NDArray[np.int64] | None:
    """Returns the group of each video; None if videos are not grouped."""
    names = [row.listed.group for row in rows]
    return np.unique(names, return_inverse=True)[1] if any(names) else None


def _train(rows: list[VideoRow]) -> NDArray[np.bool_] | None:
    """Returns the mask of the videos to fit the classifier on; None if the table does not define a split."""
    train = np.array([row.listed.split == TRAIN for row in rows])
    return train if train.any() and not train.all() else None

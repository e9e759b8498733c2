"""Segmentation metrics: intersection over union, and the error of the objects' areas."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from preroll.perception.decoders.instances import Located
from preroll.perception.training.pictures import Batch

#: Largest error of an area that counts as exact [% of the frame].
EXACT = 1.0


def paint(found: Located) -> NDArray[np.uint8]:
    """Returns 1 + the class of the object at each cell of the masks' grid, 0 if there is none."""
    if not found.masks:
        return np.zeros((1, 1), np.uint8)
    labels = np.zeros(found.masks[0].grid, np.uint8)
    for mask, label in zip(found.masks, found.label, strict=True):
        rows, columns = mask.cells.shape
        window = labels[mask.top : mask.top + rows, mask.left : mask.left + columns]
        window[mask.cells] = label + 1
    return labels


def score_labels(found: Sequence[Located], batch: Batch, classes: Sequence[str]) -> dict[str, Any]:
    """Compares detected objects with the exact masks of rendered pictures.

    Args:
        found: the objects of each picture.
        batch: the pictures with their true labels.
        classes: the names of the labels 1, 2, ….

    Returns:
        ``mean_iou``: mean over the classes of intersection / union, both counted in pixels over all pictures;
        ``area_error``: mean over all pictures, and the classes that are in one or found in it, of the difference
        between found and true area [% of the frame], and ``area_error_deviation``, the standard deviation of these;
        ``exact_pictures`` of ``pictures``: those in which no class's area is off by more than :data:`EXACT`;
        ``per_class`` with IoU and area error of each, and its number of pictures.
    """
    names = len(classes) + 1
    counts = np.zeros((names, names), np.int64)
    errors: list[list[float]] = [[] for _ in range(names)]
    exact = 0
    for one, truth, (top, left, rows, columns) in zip(found, batch.labels, batch.frames, strict=True):
        seen = np.broadcast_to(paint(one), truth.shape)[top : top + rows, left : left + columns]
        real = truth[top : top + rows, left : left + columns]
        both = np.bincount(names * real.ravel().astype(np.int64) + seen.ravel(), minlength=names * names)
        table = both.reshape(names, names)
        counts += table
        true_area, found_area = table.sum(1), table.sum(0)
        off = 100 * np.abs(found_area - true_area) / real.size
        exact += bool((off[1:] <= EXACT).all())
        for label in np.flatnonzero(true_area + found_area):
            errors[label].append(float(off[label]))
    overlap = np.diag(counts) / np.maximum(counts.sum(0) + counts.sum(1) - np.diag(counts), 1)
    of_objects = [error for one in errors[1:] for error in one]
    return {
        "mean_iou": round(float(overlap[1:].mean()), 4),
        "area_error": round(float(np.mean(of_objects)), 4) if of_objects else None,
        "area_error_deviation": round(float(np.std(of_objects)), 4) if of_objects else None,
        "exact_pictures": exact,
        "pictures": len(batch.labels),
        "per_class": {
            name: {
                "iou": round(float(overlap[i]), 4),
                "area_error": round(float(np.mean(errors[i])), 4) if errors[i] else None,
                "pictures": len(errors[i]),
            }
            for i, name in enumerate(classes, start=1)
        },
    }

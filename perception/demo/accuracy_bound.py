"""Upper bound on the category accuracy of the demo videos: a classifier that knows every clip's true objects."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from preroll.perception.catalog.catalog import Catalog
from preroll.perception.demo.objects import OBJECT_CLASSES
from preroll.perception.demo.videos import demo_objects


def category_accuracy(features: ArrayLike, categories: Sequence[str], *, folds: int = 5, seed: int = 0) -> float:
    """Returns the accuracy of logistic regression from features to categories, by stratified cross-validation.

    Args:
        features: [n, classes], such as importance.
        categories: [n], the true ones; each needs at least ``folds`` rows.
        folds: number of shuffled, stratified folds.
        seed: seed of the folds.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_score

    splits = StratifiedKFold(folds, shuffle=True, random_state=seed)
    model = LogisticRegression(C=10.0, max_iter=2_000)
    return float(np.mean(cross_val_score(model, np.asarray(features), np.asarray(categories), cv=splits)))


def demo_accuracy_bound(per_category: int = 100, seed: int = 0) -> float:
    """Returns the accuracy that the true object lists of the demo videos allow, that is, a perfect detector's.

    Args:
        per_category: number of clips per category, at least 5.
        seed: seed of the demo videos.
    """
    clips = demo_objects(per_category, seed)
    present = [[name in clip.objects for name in OBJECT_CLASSES] for clip in clips]
    return category_accuracy(np.array(present, dtype=np.float32), [clip.category for clip in clips])


def known_ceiling(catalog: Catalog) -> float | None:
    """Returns :func:`demo_accuracy_bound` for a catalog of the clips of the demo catalog, and None for any other."""
    demo = Catalog.load("demo")
    if catalog.n_videos != demo.n_videos:
        return None
    same = set(catalog.videos()["sha256"]) == set(demo.videos()["sha256"])
    return demo_accuracy_bound() if same else None

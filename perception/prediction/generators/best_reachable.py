"""Generation of a task's data set, and the metrics that its true probabilities reach."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from preroll.console.nearest import known
from preroll.errors import PrerollError
from preroll.files.targets import new_folder
from preroll.perception.prediction.generators.ideal import Ideal
from preroll.perception.prediction.generators.memorable_clips import generate_memorability
from preroll.perception.prediction.generators.tag_videos import generate_tags
from preroll.perception.prediction.generators.trailers import generate_genres
from preroll.perception.prediction.metrics.average_precision import macro_average_precision
from preroll.perception.prediction.metrics.ranking import global_average_precision, hit_at
from preroll.perception.prediction.metrics.regression import spearman

TASKS = ("tags", "genres", "memorability")


def generate_data(task: str, out: Path, seed: int = 0, names: Sequence[str] = ()) -> Ideal:
    """Writes the data set of a task to a new or empty folder, which is complete or absent.

    Args:
        task: one of :data:`TASKS`.
        out: folder of the data set.
        seed: seed; equal seeds write identical bytes.
        names: names of the clips, for memorability only.

    Returns:
        The true probabilities, of the validation videos for tags and of all videos otherwise.

    Raises:
        PrerollError: the task is unknown, names are given for another task, or the folder is not empty.
    """
    if task not in TASKS:
        raise PrerollError(f"{task!r} is no task; {known(task, 'must be one of', TASKS)}")
    if names and task != "memorability":
        raise PrerollError(f"--catalog: goes with memorability; the videos of {task} have names of their own")
    with new_folder(out, f"--out {out}") as folder:
        if task == "tags":
            return generate_tags(folder, seed=seed)
        if task == "genres":
            return generate_genres(folder, seed=seed)
        return generate_memorability(folder, seed=seed, names=names)


def best_reachable(task: str, ideal: Ideal) -> dict[str, float]:
    """Computes the metrics of the true probabilities on the targets drawn from them."""
    truth = ideal.targets
    if task == "memorability":
        return {"Spearman": spearman(ideal.probabilities[:, 0], truth[:, 0].astype(np.float64))}
    labels = truth.astype(np.bool_)
    if task == "genres":
        return {"macro AP": macro_average_precision(ideal.probabilities, labels).mean}
    return {
        "GAP@20": global_average_precision(ideal.probabilities, labels),
        "Hit@1": hit_at(ideal.probabilities, labels, 1),
    }

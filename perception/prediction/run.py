"""Training, evaluation and application of the prediction tasks, and the folder of a run.

The folder of a run is either complete or does not exist:

```
settings.yaml        all settings, defaults included
model/               ONNX and safetensors, or JSON; names.json: names of the outputs, and ids of the training data
held_out.npy         predictions about the held-out rows, float32 [n, K], by models that were not trained on them
held_out_ids.json    ids of the held-out rows
metrics.csv          the table of the report
reliability.png      predicted probability against observed share
events.out.tfevents.preroll    TensorBoard curves
result.json          metrics, selected hyperparameters, skipped input, cost, versions
manifest.json        hashes of all of these; written last
```
"""

import csv
import io
import math
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from preroll.bounded.yaml_text import dump_yaml
from preroll.errors import PrerollError
from preroll.files import atomic, manifest
from preroll.files.manifest import Manifest
from preroll.perception.prediction.framework.bad_input import Skipping
from preroll.perception.prediction.framework.predictions import Predictions
from preroll.perception.prediction.framework.settings import GenreSettings, Settings, TagSettings
from preroll.perception.prediction.framework.task import Fitted, PredictionReport, Progress, Table, Task, Trained
from preroll.run_folder import RESULT, check_target, versions
from preroll.tensorboard_writer import EventFile, category, layout, meanings, title_of

KIND = "prediction"
FORMAT = 1
_PACKAGES = ("preroll", "numpy", "torch", "onnxruntime", "scikit-learn")


def task_of(settings: Settings) -> Task[Any]:
    """Returns the task of the settings."""
    if isinstance(settings, TagSettings):
        from preroll.perception.prediction.tags.task import Tags

        return Tags(settings)
    if isinstance(settings, GenreSettings):
        from preroll.perception.prediction.genres.task import Genres

        return Genres(settings)
    from preroll.perception.prediction.memorability.task import Memorability

    return Memorability(settings)


def train(
    settings: Settings,
    *,
    skip_bad: bool = False,
    replace: bool = False,
    started: Callable[[int], Callable[[int], None]] | None = None,
) -> tuple[Fitted, Skipping]:
    """Trains the model of a task and writes the folder of the run.

    Args:
        settings: settings of one of the tasks.
        skip_bad: whether bad input is skipped and recorded; if not, it is an error.
        replace: whether an older run may be replaced.
        started: called with the total number of steps once data and settings are checked; the callback that it returns
            is called with the number of steps done since its last call.

    Returns:
        The result of the training, and the record of skipped input.

    Raises:
        PrerollError: data or settings are invalid; nothing is written.
    """
    told = f"run: {settings.run}"
    check_target(settings.run, "run:", kind=KIND, replace=replace)
    with atomic.writing(settings.run, told):
        check_target(settings.run, "run:", kind=KIND, replace=replace)  # once more, now that nobody else can write it
        task, skipping = task_of(settings), Skipping(skip_bad)
        data = task.load(skipping)
        advance = started(task.steps) if started else lambda _: None
        with atomic.folder(settings.run, KIND, told) as folder:
            atomic.write_text(folder / "settings.yaml", dump_yaml(settings.model_dump(mode="json")))
            wall, cpu = time.perf_counter(), time.process_time()
            with EventFile(folder) as events:
                _write_board(events, task)
                fitted = task.fit(data, folder / "model", Progress(events.write, advance))
            cost = {"seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - cpu}
            _write(folder, settings, fitted, skipping, cost, data.names)
    return fitted, skipping


def evaluate(settings: Settings, *, skip_bad: bool = False) -> tuple[PredictionReport, Skipping]:
    """Evaluates the model of a finished run on the held-out videos of the data.

    Args:
        settings: settings of one of the tasks, which name the run and the data.
        skip_bad: whether bad input is skipped and recorded; if not, it is an error.

    Returns:
        The report, and the record of skipped input.

    Raises:
        PrerollError: there is no finished run, data are invalid, or the model was trained on the videos.
    """
    run, task, skipping = open_run_for(settings), task_of(settings), Skipping(skip_bad)
    report, _, _ = task.evaluate(task.load(skipping), run)
    return report, skipping


def apply(settings: Settings, *, skip_bad: bool = False, calibrated: bool = True) -> tuple[Predictions, Skipping]:
    """Predicts the videos of ``data.apply``, which need no labels.

    Without ``data.apply``, the held-out videos are predicted, and for memorability all clips.

    Args:
        settings: settings of one of the tasks, which name the run and the data.
        skip_bad: whether bad input is skipped and recorded; if not, it is an error.
        calibrated: whether probabilities are scaled by the temperature of the run.

    Returns:
        The predictions, and the record of skipped input.

    Raises:
        PrerollError: there is no finished run, or data are invalid.
    """
    run, skipping = open_run_for(settings), Skipping(skip_bad)
    ids, values = task_of(settings).apply(run, skipping)
    found = Predictions(settings.task, tuple(ids), run.names, values)
    return (found.temperature_scaled(run.facts.get("temperature", 1.0)) if calibrated else found), skipping


def _write_board(events: EventFile, task: Task[Any]) -> None:
    """Adds what TensorBoard shows first, the main measure, and what the tags mean."""
    patterns = {tag: re.escape(tag).replace("N/", "[0-9]+/").replace("NAME", ".+") for tag in task.tags}
    charts = {title_of(meaning): f"^{patterns[tag]}$" for tag, meaning in task.tags.items()}
    events.write_for_plugin(0, layout([category("How good it is, while it learns", charts)]))
    note = f"The x axis (“step”) is {task.step}."
    events.write_for_plugin(0, meanings("what the tags mean", note, task.tags))


def _write(
    folder: Path, settings: Settings, fitted: Fitted, skipping: Skipping, cost: dict[str, float], names: tuple[str, ...]
) -> None:
    atomic.write_json(folder / "model" / "names.json", {"names": list(names), "trained": list(fitted.trained)})
    atomic.save_array(folder / "held_out.npy", np.asarray(fitted.held_out, np.float32))
    atomic.write_json(folder / "held_out_ids.json", list(fitted.ids))
    atomic.write_text(folder / "metrics.csv", table_csv(fitted.report.table))
    if fitted.reliability:
        _draw(folder / "reliability.png", fitted)
    result = {
        "format": FORMAT,
        "task": settings.task,
        "metrics": fitted.report.metrics,
        "notes": list(fitted.report.notes),
        **fitted.facts,
        "skipped": skipping.found,
        "cost": {name: round(value, 3) for name, value in cost.items()},
        "versions": versions(_PACKAGES),
    }
    atomic.write_json(folder / RESULT, plain(result))


def _draw(path: Path, fitted: Fitted) -> None:
    from preroll.perception.prediction.metrics.calibration import draw_reliability, reliability

    curves = {name: reliability(*pairs) for name, pairs in fitted.reliability.items()}
    draw_reliability(path, curves, "Held-out predictions")


def open_run(folder: Path) -> Trained:
    """Reads the folder of a finished run.

    Raises:
        PrerollError: the folder contains no finished run, or a file of it cannot be read.
    """
    files = _manifest(folder)
    try:
        facts = files.read_json(RESULT)
        model = files.read_json("model/names.json")
        ids = files.read_json("held_out_ids.json")
        held_out = files.read_array("held_out.npy")
        if facts["format"] != FORMAT:
            raise PrerollError(f"{files.folder / RESULT}: format {facts['format']!r} is not known; must be {FORMAT}")
        for name in files.files:
            if name.startswith("model/"):
                files.verified(name)
        return Trained(
            files.folder / "model",
            tuple(model["names"]),
            tuple(model["trained"]),
            dict(zip(ids, held_out, strict=True)),
            facts,
        )
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise PrerollError(f"run: {folder}: cannot be read: {error}") from None


def _manifest(folder: Path) -> Manifest:
    place = atomic.current(folder)
    try:
        return manifest.read(place, KIND)
    except FileNotFoundError:
        older = " of this version; train it again" if (place / RESULT).is_file() else ""
        made = older or "; make one with `preroll predict train FILE.yaml`"
        raise PrerollError(f"run: {folder}: there is no finished run{made}") from None


def open_run_for(settings: Settings) -> Trained:
    """Reads the finished run of the given settings.

    Raises:
        PrerollError: there is no finished run, or it is a run of another task.
    """
    run = open_run(settings.run)
    if run.facts["task"] != settings.task:
        raise PrerollError(f"run: {settings.run}: is a run of {run.facts['task']}, not of {settings.task}")
    return run


def table_csv(table: Table) -> str:
    """Formats a table as CSV; NaN becomes an empty field."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(table.columns)
    for row in table.rows:
        rows.writerow(["" if isinstance(value, float) and math.isnan(value) else value for value in row])
    return text.getvalue()


def plain(value: Any) -> Any:
    """Converts a value to plain JSON types.

    Tuples and arrays become lists, NumPy scalars Python numbers, and NaN and infinities None, as JSON has neither.

    Raises:
        ValueError: two keys of a mapping have the same text.
    """
    if isinstance(value, dict):
        named = {str(key): plain(one) for key, one in value.items()}
        if len(named) < len(value):
            raise ValueError("two keys of a map are the same as texts")
        return named
    if isinstance(value, list | tuple | np.ndarray):
        return [plain(one) for one in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value

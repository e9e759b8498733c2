import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from preroll.errors import PrerollError
from preroll.perception.prediction.formats.yt8m.csv import read_csv
from preroll.perception.prediction.formats.yt8m.record import Tagged
from preroll.perception.prediction.framework.bad_input import Skipping
from preroll.perception.prediction.framework.settings import TagSettings, load_settings
from preroll.perception.prediction.generators.tag_videos import generate_tags
from preroll.perception.prediction.generators.yt8m_files import write_csv, write_tfrecord
from preroll.perception.prediction.metrics.ranking import global_average_precision
from preroll.perception.prediction.run import open_run, train
from preroll.perception.prediction.tags.task import Tags
from preroll.tensorboard_writer import NAME
from tests.perception.prediction.conftest import Made, ratio

pytestmark = pytest.mark.usefixtures("unpainted")

TINY = {"name": "mlp", "hidden": (8, 8)}  # where it does not matter how well it learns


def settings(folder: Path, run: Path, *, model: dict[str, Any] | None = None, **training: Any) -> TagSettings:
    small = {"name": "gated", "units": 96, "input_dropout": 0.1, "dropout": 0.2}
    return TagSettings.model_validate(
        {
            "task": "tags",
            "run": run,
            "data": {"folder": folder, "cache": run.parent / "arrays", "vocabulary": folder / "yt8m_voc.csv"},
            "model": model or small,
            "training": {"epochs": 8, "batch": 64, "rate": 8e-3, "seeds": (0, 1), **training},
        }
    )


def test_gated_networks_get_near_the_best_reachable_score_and_not_above(tag_files: Made, tmp_path: Path) -> None:
    folder, ideal = tag_files
    asked = settings(folder, tmp_path / "run")
    fitted, skipping = train(asked)
    best = global_average_precision(ideal.probabilities, ideal.targets.astype(np.bool_))
    assert fitted.report.metrics["GAP@20"] > 0.9 * best
    assert ratio(fitted, ideal) < np.log(1e6)
    assert not skipping.found
    run = open_run(asked.run)
    assert run.facts["metrics"]["GAP@20"] == fitted.report.metrics["GAP@20"]
    assert len(run.facts["by_seed"]["GAP@20"]) == 2
    assert run.facts["videos"] == {"train": 900, "validation": 300}
    assert "gap" not in {name.lower() for name in run.facts["metrics"]}
    assert {"settings.yaml", "metrics.csv", "reliability.png", "held_out.npy"} <= {p.name for p in asked.run.iterdir()}
    assert sorted(p.name for p in run.folder.iterdir()) == [
        "names.json", "seed-0.onnx", "seed-0.safetensors", "seed-1.onnx", "seed-1.safetensors",
    ]  # fmt: skip
    task = Tags(asked)
    data = task.load(Skipping())
    report, ids, found = task.evaluate(data, run)
    assert tuple(ids) == fitted.ids
    np.testing.assert_allclose(found, fitted.held_out, atol=1e-4)
    assert report.metrics["GAP@20"] == pytest.approx(fitted.report.metrics["GAP@20"], abs=1e-4)
    applied, probabilities = task.apply(run, Skipping())
    np.testing.assert_array_equal(probabilities, found)
    assert tuple(applied) == fitted.ids


@pytest.mark.parametrize("name", ["linear", "mlp", "moe"])
def test_every_other_model_trains(tag_files: Made, tmp_path: Path, name: str) -> None:
    asked = settings(
        tag_files[0], tmp_path / "run", model={"name": name, "hidden": [32, 32], "experts": 1}, seeds=(0,), epochs=1
    )
    fitted, _ = train(asked)
    assert fitted.held_out.shape == (300, 3862)
    assert fitted.report.metrics["GAP@20"] > 0.05


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_tensorboard_begins_with_the_main_measure_and_explains_every_tag(tag_files: Made, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins.custom_scalar.layout_pb2 import Layout

    asked = settings(tag_files[0], tmp_path / "run", model=TINY, seeds=(5,), epochs=1)
    train(asked)
    read = EventAccumulator(str(asked.run)).Reload()
    (group,) = Layout.FromString(read.Tensors("custom_scalars__config__")[0].tensor_proto.string_val[0]).category
    patterns = [chart.multiline.tag[0] for chart in group.chart]
    shown = {tag: next(k for k, one in enumerate(patterns) if re.match(one, tag)) for tag in read.Tags()["scalars"]}
    assert min(shown, key=lambda tag: shown[tag]) == "seed-5/GAP@20"
    assert sorted(shown.values()) == list(range(len(patterns)))
    told = read.Tensors("what the tags mean/text_summary")[0].tensor_proto.string_val[0].decode()
    assert "| seed-N/GAP@20 | global average precision: " in told


def test_an_older_run_is_replaced_only_when_asked_and_nothing_else_ever(tag_files: Made, tmp_path: Path) -> None:
    asked = settings(tag_files[0], tmp_path / "run", model=TINY, seeds=(5,), epochs=2)
    first, _ = train(asked)
    content = (asked.run / NAME).read_bytes()
    for tag in (b"seed-5/loss", b"seed-5/GAP@20", b"seed-5/Hit@1"):
        assert content.count(tag) == 2
    with pytest.raises(PrerollError, match="replace it with replace=True"):
        train(asked)
    again, _ = train(load_settings(asked.run / "settings.yaml"), replace=True)
    np.testing.assert_array_equal(again.held_out, first.held_out)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.doc").write_text("")
    with pytest.raises(PrerollError, match=r"holds thesis\.doc, and is no prediction of preroll"):
        train(asked.model_copy(update={"run": tmp_path / "other"}), replace=True)


def test_a_failed_training_leaves_nothing(tag_files: Made, tmp_path: Path) -> None:
    asked = settings(tag_files[0], tmp_path / "run", model=TINY, seeds=(0,), best_by="no metric")
    with pytest.raises(PrerollError, match="best_by"):
        train(asked)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["arrays"]


def test_bad_rows_are_skipped_when_asked_and_listed_in_the_run(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    generate_tags(folder, train=40, validation=20, tfrecord=False)
    with (folder / "train_1.csv").open("ab") as file:
        file.write(b"0,1\n")
    asked = settings(folder, tmp_path / "run", model=TINY, seeds=(0,), epochs=1, batch=16)
    with pytest.raises(PrerollError, match=r"train_1\.csv, row 21: has 2 fields.*skip_bad=True"):
        train(asked)
    _, skipping = train(asked, skip_bad=True)
    assert len(skipping.found) == 1
    assert json.loads((asked.run / "result.json").read_text())["skipped"] == skipping.found


def test_videos_without_labels_are_predicted(tmp_path: Path) -> None:
    """YouTube-8M's own test files have none."""
    generate_tags(tmp_path / "data", train=20, validation=10)
    asked = settings(tmp_path / "data", tmp_path / "run", model=TINY, seeds=(0,), epochs=1, batch=16)
    train(asked)
    known = list(read_csv(next((tmp_path / "data").glob("val_0.csv*")), Skipping()))
    blank = [Tagged(f"new {i}", np.zeros(0, np.int32), one.features) for i, one in enumerate(known)]
    _, expected = Tags(asked).apply(open_run(asked.run), Skipping())
    for form, write in (("csv", write_csv), ("tfrecord", write_tfrecord)):
        write(tmp_path / "data" / f"test_0.{form}", blank)
        data = asked.data.model_copy(update={"format": form, "apply": f"test_0.{form}"})
        ids, found = Tags(asked.model_copy(update={"data": data})).apply(open_run(asked.run), Skipping())
        assert len(ids) == len(known)
        np.testing.assert_allclose(found, expected[: len(known)], atol=1e-5)
        wrong = data.model_copy(update={"validation": data.apply, "train": data.apply})
        with pytest.raises(PrerollError, match="has no label"):
            Tags(asked.model_copy(update={"data": wrong})).load(Skipping())


def test_tfrecords_give_the_same_videos(tmp_path: Path) -> None:
    for name, tfrecord in (("csv", False), ("tfrecord", True)):
        generate_tags(tmp_path / name, train=20, validation=10, tfrecord=tfrecord)
    asked = settings(tmp_path / "csv", tmp_path / "run")
    data = asked.data.model_copy(
        update={"folder": tmp_path / "tfrecord", "format": "tfrecord", "train": "train_*", "validation": "val_*"}
    )
    first, second = (Tags(one).load(Skipping()) for one in (asked, asked.model_copy(update={"data": data})))
    np.testing.assert_allclose(first.train.features, second.train.features, rtol=1e-6)
    np.testing.assert_array_equal(first.validation.targets(), second.validation.targets())


def test_a_video_in_training_and_validation_is_an_error(tmp_path: Path) -> None:
    generate_tags(tmp_path / "data", train=20, validation=10, tfrecord=True)
    asked = settings(tmp_path / "data", tmp_path / "run")
    data = asked.data.model_copy(update={"format": "tfrecord", "train": "*.tfrecord", "validation": "val_*"})
    with pytest.raises(PrerollError, match=r"10 of its videos are in data\.train too: .* and 7 more"):
        Tags(asked.model_copy(update={"data": data})).load(Skipping())


def test_a_video_in_training_and_validation_is_an_error_in_csv_too_which_knows_no_ids(tmp_path: Path) -> None:
    generate_tags(tmp_path / "data", train=20, validation=10, tfrecord=False)
    with (tmp_path / "data" / "val_0.csv").open("ab") as file:
        file.write((tmp_path / "data" / "train_1.csv").read_bytes().splitlines(keepends=True)[2])
    with pytest.raises(PrerollError, match=r"1 of its videos are in data\.train too: val_0\.csv:"):
        Tags(settings(tmp_path / "data", tmp_path / "run")).load(Skipping())


def test_a_video_in_two_tfrecord_files_is_an_error_within_a_part_and_across(tmp_path: Path) -> None:
    generate_tags(tmp_path / "data", train=20, validation=10, tfrecord=True)
    train, *_ = sorted((tmp_path / "data").glob("train_*"))
    asked = settings(tmp_path / "data", tmp_path / "run")
    data = asked.data.model_copy(update={"format": "tfrecord", "train": "train_*", "validation": "val_*"})
    twice = r"train_9\.tfrecord, record 1, id 'v000000': occurs twice"
    for copy, message in (("train_9.tfrecord", twice), ("val_9.tfrecord", r"are in data\.train too")):
        (train.parent / copy).write_bytes(train.read_bytes())
        with pytest.raises(PrerollError, match=message):
            Tags(asked.model_copy(update={"data": data})).load(Skipping())
        (train.parent / copy).unlink()


@pytest.mark.parametrize("form", ["csv", "csv.gz", "tfrecord"])
def test_an_empty_file_beside_sound_ones_is_told_and_may_be_skipped(tmp_path: Path, form: str) -> None:
    generate_tags(tmp_path / "data", train=20, validation=10, tfrecord=form == "tfrecord")
    (tmp_path / "data" / f"train_9.{form}").write_bytes(b"")
    asked = settings(tmp_path / "data", tmp_path / "run")
    patterns = {"format": form.split(".")[0], "train": "train_*", "validation": "val_*"}
    task = Tags(asked.model_copy(update={"data": asked.data.model_copy(update=patterns)}))
    with pytest.raises(PrerollError, match=rf"train_9\.{form}: is empty; must hold at least one video \(skip_bad=True"):
        task.load(Skipping())
    skipping = Skipping(allowed=True)
    assert len(task.load(skipping).train) == 20
    assert [line.split("/")[-1] for line in skipping.found] == [
        f"train_9.{form}: is empty; must hold at least one video"
    ]


def test_a_pattern_without_files_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PrerollError, match="no file matches 'train_"):
        Tags(settings(tmp_path, tmp_path / "run")).load(Skipping())


def test_a_file_without_a_usable_video_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "train_0.csv").write_bytes(b"1,2\n")
    with pytest.raises(PrerollError, match=r"no usable video is in .*train_0"):
        Tags(settings(tmp_path, tmp_path / "run")).load(Skipping(allowed=True))

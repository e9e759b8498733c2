import hashlib
from pathlib import Path

import numpy as np
from scipy.stats import fisher_exact

from preroll.perception.analysis.detector import Detector
from preroll.perception.decoders.instances import Located, Mask
from preroll.perception.demo.objects import OBJECT_CLASSES
from preroll.perception.onnx_models.model_card import EMBEDDED_SEGMENTER, find_card
from preroll.perception.training.pictures import Batch, Pictures
from preroll.perception.training.segmentation import main
from preroll.perception.training.segmentation_scoring import score_labels
from preroll.perception.video.resize import View
from tests.conftest import ROOT

SIDE = 128


def objects_of(detector: Detector, batch: Batch) -> list[Located]:
    views = [View(rows, columns, top, left, rows, columns) for top, left, rows, columns in batch.frames.tolist()]
    frames = [np.ascontiguousarray(picture.transpose(1, 2, 0)) for picture in batch.pictures]
    found: list[Located] = []
    for row in range(0, len(frames), detector.batch):
        found += detector.objects(frames[row : row + detector.batch], views[row : row + detector.batch])
    return found


def test_the_shipped_card_belongs_to_the_shipped_network() -> None:
    card = find_card(EMBEDDED_SEGMENTER)
    assert card.sha256 == hashlib.sha256(EMBEDDED_SEGMENTER.read_bytes()).hexdigest()
    assert card.classes == OBJECT_CLASSES
    assert (card.score_threshold, card.iou_threshold, card.min_area) == (0.25, 0.45, 0.3)
    assert EMBEDDED_SEGMENTER.stat().st_size < 3_000_000


def test_the_shipped_network_was_trained_to_the_goal() -> None:
    card = find_card(EMBEDDED_SEGMENTER)
    assert card.metrics["mean_iou"] >= 0.70


def test_areas_on_fresh_pictures_are_as_exact_as_the_card_says() -> None:
    """Two false alarms in a million: Fisher's exact test of the exact pictures, and five standard errors of the mean.

    The errors of one picture's objects depend on each other, so that each counts as half of one.
    """
    detector = Detector(EMBEDDED_SEGMENTER)
    batch = Pictures([4321], 25).batch(200)
    fresh, card = score_labels(objects_of(detector, batch), batch, OBJECT_CLASSES), detector.card.metrics
    counts = [(one["exact_pictures"], one["pictures"]) for one in (fresh, card)]
    assert fisher_exact([[exact, total - exact] for exact, total in counts]).pvalue > 1e-6
    objects = [sum(one["pictures"] for one in scores["per_class"].values()) / 2 for scores in (fresh, card)]
    error = fresh["area_error_deviation"] * (1 / objects[0] + 1 / objects[1]) ** 0.5
    assert abs(fresh["area_error"] - card["area_error"]) < 5 * error
    assert 5 * error < 0.7


def test_a_short_training_run_writes_a_network_that_loads_with_its_card(tmp_path: Path) -> None:
    main(["--out", str(tmp_path), "--pictures", "16", "--held-out", "6", "--drawings", "2", "--seed", "3"])
    model = tmp_path / "segmenter.onnx"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["segmenter.json", "segmenter.onnx"]
    assert str(ROOT).encode() not in model.read_bytes()
    detector = Detector(model)
    detector.check()
    assert "--seed 3" in detector.card.training["command"]
    assert set(detector.card.metrics) == {
        "mean_iou",
        "area_error",
        "area_error_deviation",
        "exact_pictures",
        "pictures",
        "per_class",
    }


def test_labels_are_exact_and_lie_in_the_frame() -> None:
    batch = Pictures([7], 2).batch(20)
    for picture, labels, present, frame in zip(batch.pictures, batch.labels, batch.present, batch.frames, strict=True):
        top, left, rows, columns = frame
        outside = np.ones((SIDE, SIDE), np.bool_)
        outside[top : top + rows, left : left + columns] = False
        assert (labels[outside] == 0).all()
        assert (picture[:, outside] == 114).all()
        # What is in front may hide another object wholly, and never shows one that is not there.
        assert {int(label) - 1 for label in np.unique(labels[labels > 0])} <= set(np.flatnonzero(present))
    assert 0.05 < (batch.labels > 0).mean() < 0.3


def test_scores_are_counted_in_the_frame_alone() -> None:
    truth = np.zeros((1, 8, 8), np.uint8)
    truth[0, 2:6, :4] = 1
    batch = Batch(
        np.zeros((1, 3, 8, 8), np.uint8),
        np.array([[1, 0]], np.float32),
        np.zeros((1, 2, 8, 8), np.int8),
        truth,
        np.array([[2, 0, 4, 8]]),
    )
    view = View(4, 8, 2, 0, 4, 8)
    # Half of the object is found, and a quarter of the frame that is not there; what lies outside does not count.
    masks = (Mask(0, 0, np.ones((8, 2), np.bool_), (8, 8)), Mask(2, 6, np.ones((4, 2), np.bool_), (8, 8)))
    found = Located(
        np.array([0, 1], np.int16),
        np.ones(2, np.float32),
        np.ones(2, np.float32),
        np.zeros((2, 4), np.float32),
        masks,
        view,
    )
    scores = score_labels([found], batch, ["a", "b"])
    assert scores["per_class"]["a"] == {"iou": 0.5, "area_error": 25.0, "pictures": 1}
    assert scores["per_class"]["b"] == {"iou": 0.0, "area_error": 25.0, "pictures": 1}
    assert (scores["mean_iou"], scores["area_error"], scores["area_error_deviation"]) == (0.25, 25.0, 0.0)
    assert (scores["exact_pictures"], scores["pictures"]) == (0, 1)


def test_nothing_found_and_nothing_there_is_no_error() -> None:
    batch = Batch(
        np.zeros((1, 3, 8, 8), np.uint8),
        np.zeros((1, 1), np.float32),
        np.zeros((1, 1, 8, 8), np.int8),
        np.zeros((1, 8, 8), np.uint8),
        np.array([[0, 0, 8, 8]]),
    )
    empty = np.zeros(0, np.float32)
    found = Located(empty.astype(np.int16), empty, empty, np.zeros((0, 4), np.float32), (), View(8, 8, 0, 0, 8, 8))
    scores = score_labels([found], batch, ["a"])
    assert scores["per_class"]["a"] == {"iou": 0.0, "area_error": None, "pictures": 0}
    assert (scores["area_error"], scores["exact_pictures"]) == (None, 1)

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray
from scipy.stats import binom

from preroll.perception.objects import OBJECT_CLASSES
from preroll.perception.training.classifier import main
from preroll.perception.training.pictures import Pictures
from preroll.perception.training.scoring import choose_threshold, score

MODELS = Path(__file__).parents[2] / "perception" / "models"


def _card(folder: Path = MODELS) -> dict[str, Any]:
    card: dict[str, Any] = json.loads((folder / "objects.json").read_text())
    return card


def _detect(folder: Path, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession((folder / "objects.onnx").read_bytes(), options)
    found: NDArray[np.float32] = session.run(["probabilities"], {"pictures": pictures})[0]
    return found


def test_the_shipped_card_belongs_to_the_shipped_network() -> None:
    model = (MODELS / "objects.onnx").read_bytes()
    assert hashlib.sha256(model).hexdigest() == _card()["sha256"]
    assert len(model) < 2_000_000
    assert _card()["classes"] == list(OBJECT_CLASSES)


def test_the_shipped_network_was_trained_to_the_goal() -> None:
    card = _card()
    assert card["metrics"]["precision"] >= 0.90
    assert card["metrics"]["recall"] >= 0.85
    assert card["training"]["cpu_seconds"] <= 15 * 60


def test_precision_and_recall_on_fresh_pictures_agree_with_the_card() -> None:
    """Hits lie within exact binomial bounds around the card's shares.

    The card's shares are estimates themselves, from about ten times as many objects, and objects of one picture are not
    independent: the bounds are those of a false-alarm rate of 1e-6 per claim.
    """
    card = _card()
    batch = Pictures([12345], 30).batch(250)
    present = batch.present > 0
    found = _detect(MODELS, batch.pictures) >= card["score_threshold"]
    hits = int((found & present).sum())
    for n, share in ((int(found.sum()), "precision"), (int(present.sum()), "recall")):
        low, high = binom.interval(1 - 1e-6, n, card["metrics"][share])
        assert low <= hits <= high, (share, hits / n)


def test_any_batch_size_gives_the_same_probabilities() -> None:
    pictures = Pictures([6], 2).batch(3).pictures
    together = _detect(MODELS, pictures)
    assert together.shape == (3, len(OBJECT_CLASSES))
    assert ((together >= 0) & (together <= 1)).all()
    alone = np.concatenate([_detect(MODELS, picture[None]) for picture in pictures])
    np.testing.assert_allclose(together, alone, atol=1e-5)


@pytest.mark.filterwarnings("default")  # torch's exporter warns about its own calls
def test_a_short_training_run_writes_a_network_that_loads_with_its_card(tmp_path: Path) -> None:
    main(["--out", str(tmp_path), "--pictures", "48", "--held-out", "20", "--drawings", "2", "--seed", "3"])
    card = _card(tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["objects.json", "objects.onnx"]
    model = (tmp_path / "objects.onnx").read_bytes()
    assert hashlib.sha256(model).hexdigest() == card["sha256"]
    assert str(Path(__file__).parents[2]).encode() not in model
    assert _detect(tmp_path, np.zeros((4, 3, 128, 128), np.uint8)).shape == (4, len(OBJECT_CLASSES))
    assert "--seed 3" in card["training"]["command"]


def test_training_pictures_mark_each_present_class_in_a_cell() -> None:
    batch = Pictures([7], 2).batch(20)
    assert batch.pictures.dtype == np.uint8
    assert np.array_equal((batch.cells == 1).any((2, 3)), batch.present > 0)
    assert set(np.unique(batch.cells)) == {-1, 0, 1}
    assert 1 <= batch.present.sum(1).mean() <= 4


def test_one_seed_gives_one_stream_of_pictures() -> None:
    first, again, other = (Pictures([seed], 1).batch(2) for seed in (1, 1, 2))
    assert np.array_equal(first.pictures, again.pictures)
    assert not np.array_equal(first.pictures, other.pictures)


def test_score_counts_hits() -> None:
    found = np.array([[True, True], [True, False]])
    present = np.array([[True, False], [True, True]])
    scores = score(found, present, ["a", "b"])
    assert (scores["precision"], scores["recall"]) == (0.6667, 0.6667)
    assert scores["per_class"]["a"] == {"precision": 1.0, "recall": 1.0, "found": 2, "present": 2, "hits": 2}


def test_the_threshold_separates_where_it_can() -> None:
    probabilities = np.array([[0.1], [0.45], [0.6], [0.9]], np.float32)
    threshold = choose_threshold(probabilities, np.array([[False], [False], [True], [True]]))
    assert 0.45 < threshold <= 0.6

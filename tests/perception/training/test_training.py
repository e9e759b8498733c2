import hashlib
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from scipy.stats import fisher_exact

from preroll.perception.demo.objects import OBJECT_CLASSES
from preroll.perception.onnx_models.model_card import EMBEDDED, find_card
from preroll.perception.training.classifier import main
from preroll.perception.training.pictures import Pictures
from preroll.perception.training.scoring import choose_threshold, score
from tests.conftest import ROOT


def _detect(model: Path, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.read_bytes(), options)
    found: NDArray[np.float32] = session.run(["probabilities"], {"pictures": pictures})[0]
    return found


def test_the_shipped_card_belongs_to_the_shipped_network() -> None:
    card = find_card(EMBEDDED)
    assert card.sha256 == hashlib.sha256(EMBEDDED.read_bytes()).hexdigest()
    assert card.classes == OBJECT_CLASSES
    assert EMBEDDED.stat().st_size < 2_000_000


def test_the_shipped_network_was_trained_to_the_goal() -> None:
    card = find_card(EMBEDDED)
    assert card.metrics["precision"] >= 0.90
    assert card.metrics["recall"] >= 0.85


def test_precision_and_recall_on_fresh_pictures_agree_with_the_card() -> None:
    """The fresh counts and the card's are of one share, by Fisher's exact test, false-alarm rate 1e-6 per claim."""
    card = find_card(EMBEDDED)
    batch = Pictures([12345], 30).batch(250)
    fresh = score(_detect(EMBEDDED, batch.pictures) >= card.score_threshold, batch.present > 0, OBJECT_CLASSES)
    for of in ("found", "present"):
        table = [[counts["hits"], counts[of] - counts["hits"]] for counts in (fresh, card.metrics)]
        assert fisher_exact(table).pvalue > 1e-6, table


def test_any_batch_size_gives_the_same_probabilities() -> None:
    pictures = Pictures([6], 2).batch(3).pictures
    together = _detect(EMBEDDED, pictures)
    assert together.shape == (3, len(OBJECT_CLASSES))
    assert ((together >= 0) & (together <= 1)).all()
    alone = np.concatenate([_detect(EMBEDDED, picture[None]) for picture in pictures])
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_a_short_training_run_writes_a_network_that_loads_with_its_card(tmp_path: Path) -> None:
    main(["--out", str(tmp_path), "--pictures", "48", "--held-out", "20", "--drawings", "2", "--seed", "3"])
    model = tmp_path / "objects.onnx"
    card = find_card(model)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["objects.json", "objects.onnx"]
    assert str(ROOT).encode() not in model.read_bytes()
    assert _detect(model, np.zeros((4, 3, 128, 128), np.uint8)).shape == (4, len(OBJECT_CLASSES))
    assert "--seed 3" in card.training["command"]


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

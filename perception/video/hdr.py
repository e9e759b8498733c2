"""High dynamic range: pixels of PQ and HLG video as those of a usual screen.

Light is computed by ITU-R BT.2100 (a display of 1,000 cd/m² for HLG), divided by the reference white of BT.2408, 203
cd/m², converted from the primaries of BT.2020 to those of BT.709, clipped to what a usual screen shows, and coded with
the exponent 2.4 of BT.1886. So a grey up to reference white has the value that it has in the SDR version.
"""

from functools import cache

import numpy as np
from av import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorTrc
from numpy.typing import NDArray

REFERENCE_WHITE = 203.0
_HLG_PEAK, _HLG_GAMMA = 1000.0, 1.2
_LUMINANCE = np.array([0.2627, 0.6780, 0.0593], np.float32)
_TO_BT709 = np.array([[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]], np.float32).T
_CURVES = {int(ColorTrc.SMPTE2084): "PQ", int(ColorTrc.ARIB_STD_B67): "HLG"}
_STEPS = 1 << 16


def curve_of(frame: VideoFrame) -> str | None:
    """Returns ``PQ`` or ``HLG``; None for video of usual range."""
    return _CURVES.get(int(frame.color_trc))


def to_usual_range(pixels: NDArray[np.uint16], frame: VideoFrame) -> NDArray[np.uint8]:
    """Converts uint16 [height, width, 3], RGB as coded, to uint8 for a usual screen."""
    curve = curve_of(frame)
    assert curve is not None
    light = _light(curve)[pixels]
    if curve == "HLG":
        light *= np.maximum(light @ _LUMINANCE, 1e-9)[..., None] ** np.float32(_HLG_GAMMA - 1)
        light *= np.float32(_HLG_PEAK / REFERENCE_WHITE)
    if int(frame.color_primaries) in (int(ColorPrimaries.BT2020), int(ColorPrimaries.UNSPECIFIED)):
        light = light @ _TO_BT709
    shown: NDArray[np.uint8] = _codes()[np.rint(np.clip(light, 0, 1) * (_STEPS - 1)).astype(np.uint16)]
    return shown


@cache
def _light(curve: str) -> NDArray[np.float32]:
    """Returns the light of every code: relative to reference white (PQ), or that of the scene, up to 1 (HLG)."""
    code = np.linspace(0, 1, _STEPS)
    if curve == "PQ":
        m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
        power = code ** (1 / m2)
        light = 10_000 * (np.maximum(power - c1, 0) / (c2 - c3 * power)) ** (1 / m1) / REFERENCE_WHITE
    else:
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        light = np.where(code <= 0.5, code**2 / 3, (np.exp((code - c) / a) + b) / 12)
    return light.astype(np.float32)


@cache
def _codes() -> NDArray[np.uint8]:
    return np.rint(255 * np.linspace(0, 1, _STEPS) ** (1 / 2.4)).astype(np.uint8)

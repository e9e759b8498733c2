"""Very different pictures, to check whether a network distinguishes them."""

import numpy as np
from av import VideoFrame
from PIL import Image

from preroll.perception.demo.backgrounds import BACKGROUNDS, draw_background
from preroll.perception.demo.objects import OBJECT_CLASSES, draw_object
from preroll.perception.demo.scenes import Placement, fit_sprite, paste
from preroll.perception.video.resize import Fit, Fitter, Pixels

_SIZE = (320, 240)


def probe_pictures(fit: Fit, seed: int = 0) -> list[Pixels]:
    """Returns the pictures of :func:`drawn_pictures` at the size of a network's input."""
    fitter = Fitter(fit)
    return [fitter(VideoFrame.from_ndarray(one, format="rgb24")) for one in drawn_pictures(seed)]


def drawn_pictures(seed: int = 0) -> list[Pixels]:
    """Draws each object class large before varying backgrounds, plus a black, a white and a noise picture.

    Returns:
        Arrays uint8 [240, 320, 3], RGB.
    """
    rng = np.random.default_rng(seed)
    kinds = list(BACKGROUNDS)
    pictures = [np.zeros((240, 320, 3), np.uint8), np.full((240, 320, 3), 255, np.uint8)]
    pictures.append(rng.integers(0, 256, (240, 320, 3), np.uint8))
    for number, name in enumerate(OBJECT_CLASSES):
        scene: Image.Image = draw_background(rng, _SIZE, kinds[number % len(kinds)])
        sprite = fit_sprite(draw_object(name, rng), Placement(0.5, 0.5, 0.85, 0.0, False), _SIZE)
        paste(scene, sprite, 0.5, 0.5)
        pictures.append(np.asarray(scene))
    return [np.ascontiguousarray(one) for one in pictures]

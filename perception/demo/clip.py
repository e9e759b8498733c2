"""One demo clip: moving objects before a panning background, with camera noise, as H.264 in MP4."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

import av
import numpy as np
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray
from PIL import Image

from preroll.perception.demo.backgrounds import BACKGROUNDS, draw_background
from preroll.perception.demo.objects import draw_object
from preroll.perception.demo.scenes import Placement, fit_sprite, paste, place

#: Widths and heights [pixels], all even as 4:2:0 video requires.
FRAMES = (
    (320, 240), (288, 216), (256, 192), (224, 168), (240, 160), (256, 160), (288, 162), (320, 180), (208, 208),
    (192, 256), (192, 288),
)  # fmt: skip
RATES = (12, 15, 16, 18, 20, 24, 25, 30)
RATE_WEIGHTS = (0.2, 0.2, 0.15, 0.12, 0.12, 0.08, 0.08, 0.05)
#: Shortest, likeliest and longest duration [s].
SECONDS = (2.0, 2.2, 4.0)
SIZES = (0.34, 0.7)
#: Usual background of each category, and the share of its clips that have it; the others have a random one.
USUAL_BACKGROUND = {"cars": ("street", 0.5), "cats": ("room", 0.5), "concerts": ("stage", 0.5)}


@dataclass
class Actor:
    """An object and its motion.

    Attributes:
        sprite: the drawing.
        start: placement in the first frame.
        velocity: drift [shares of the frame per second].
        swing: amplitude of the rotation [degrees].
        growth: amplitude of the size [share].
        pace: oscillations of swing and growth per second.
        fitted: cache of the drawings at the sizes and rotations used so far, by their rounded values.
    """

    sprite: Image.Image
    start: Placement
    velocity: tuple[float, float]
    swing: float
    growth: float
    pace: float
    fitted: dict[tuple[int, int], Image.Image] = field(default_factory=dict)

    def show(self, image: Image.Image, seconds: float) -> None:
        """Pastes the object in place as it appears after some seconds."""
        wave = float(np.sin(2 * np.pi * self.pace * seconds))
        # Steps of 3 degrees and 3 % are invisible, and let most frames reuse a cached drawing.
        turn, grow = round(self.swing * wave / 3), round(self.growth * wave / 0.03)
        if (turn, grow) not in self.fitted:
            size, angle = self.start.size * (1 + 0.03 * grow), self.start.angle + 3 * turn
            now = replace(self.start, size=size, angle=angle)
            self.fitted[turn, grow] = fit_sprite(self.sprite, now, image.size)
        margin = min(0.42 * self.start.size, 0.45)
        x = _bounce(self.start.x + self.velocity[0] * seconds, margin)
        y = _bounce(self.start.y + self.velocity[1] * seconds, margin)
        paste(image, self.fitted[turn, grow], x, y)


def _bounce(position: float, margin: float) -> float:
    """Reflects a position at the frame's margins."""
    span = 1 - 2 * margin
    return margin + span - abs((position - margin) % (2 * span) - span)


def encode_clip(category: str, objects: Sequence[str], rng: np.random.Generator) -> bytes:
    """Renders and encodes a clip.

    Args:
        category: determines the usual background.
        objects: classes of the objects that appear, back to front.
        rng: source of all other randomness.

    Returns:
        An MP4 file with one H.264 stream of 2 to 4 seconds.
    """
    size = FRAMES[int(rng.integers(len(FRAMES)))]
    rate = int(rng.choice(RATES, p=RATE_WEIGHTS))
    frames = round(rate * rng.triangular(*SECONDS))
    crf = int(rng.integers(24, 35))
    memory = io.BytesIO()
    with av.open(memory, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=rate, options={"preset": "ultrafast", "crf": str(crf)})
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        # The bytes that libx264 writes depend on its number of threads.
        stream.codec_context.thread_count = 1
        noise = _noise_tiles(rng, size)
        reformatter = VideoReformatter()
        for number, image in enumerate(_pictures(rng, category, objects, size, rate, frames)):
            picture = av.VideoFrame.from_ndarray(np.asarray(image), format="rgb24")
            planes = (
                reformatter.reformat(picture, format="yuv420p", threads=1).to_ndarray().astype(np.uint8, copy=False)
            )
            filmed = av.VideoFrame.from_ndarray(_film(planes, noise, number, size[1]), format="yuv420p")
            filmed.pts, filmed.time_base = number, Fraction(1, rate)
            container.mux(stream.encode(filmed))
        container.mux(stream.encode())
    return memory.getvalue()


def _pictures(
    rng: np.random.Generator, category: str, objects: Sequence[str], size: tuple[int, int], rate: int, frames: int
) -> Iterator[Image.Image]:
    """Yields the frames in order."""
    usual, share = USUAL_BACKGROUND[category]
    kind = usual if rng.random() < share else str(rng.choice(list(BACKGROUNDS)))
    extra = rng.uniform(0.0, 0.25, 2)
    wide = round(size[0] * (1 + extra[0])), round(size[1] * (1 + extra[1]))
    background = draw_background(rng, wide, kind)
    start, end = rng.random(2), rng.random(2)
    actors = [
        _actor(rng, name, placement) for name, placement in zip(objects, place(rng, objects, sizes=SIZES), strict=True)
    ]
    for number in range(frames):
        way = start + (end - start) * number / frames
        left, top = round(way[0] * (wide[0] - size[0])), round(way[1] * (wide[1] - size[1]))
        image = background.crop((left, top, left + size[0], top + size[1]))
        for actor in actors:
            actor.show(image, number / rate)
        yield image


def _actor(rng: np.random.Generator, name: str, placement: Placement) -> Actor:
    swings = rng.random() < 0.5
    return Actor(
        sprite=draw_object(name, rng),
        start=placement,
        velocity=(float(rng.uniform(-0.12, 0.12)), float(rng.uniform(-0.06, 0.06))),
        swing=float(rng.uniform(4, 18)) if swings else 0.0,
        growth=0.0 if swings else float(rng.uniform(0.0, 0.18)),
        pace=float(rng.uniform(0.15, 0.6)),
    )


def _noise_tiles(rng: np.random.Generator, size: tuple[int, int]) -> NDArray[np.int16]:
    """Draws the camera's noise for three frames [3, height, width], around the clip's own brightness."""
    strength, brightness = rng.uniform(0, 6), rng.uniform(-15, 15)
    noise = rng.standard_normal((3, size[1], size[0]), dtype=np.float32) * strength + brightness
    return noise.astype(np.int16)


def _film(planes: NDArray[np.uint8], noise: NDArray[np.int16], number: int, height: int) -> NDArray[np.uint8]:
    """Adds noise to the luma of a yuv420p frame [height × 3/2, width]."""
    luma = planes[:height] + noise[number % len(noise)]
    planes[:height] = np.clip(luma, 16, 235)
    return planes

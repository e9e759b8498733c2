import numpy as np
import pytest
from PIL import Image

from preroll.perception.demo.backgrounds import BACKGROUNDS, draw_background
from preroll.perception.demo.objects import OBJECT_CLASSES, SPRITE_SIZE, draw_object
from preroll.perception.demo.scenes import Placement, fit_sprite, paste, place


def test_twelve_classes_make_sixteen_observation_entries() -> None:
    assert len(OBJECT_CLASSES) == 12
    assert list(OBJECT_CLASSES) == sorted(set(OBJECT_CLASSES))


@pytest.mark.parametrize("name", OBJECT_CLASSES)
def test_a_drawing_depends_on_its_seed_alone(name: str) -> None:
    first, again, other = (draw_object(name, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != other.tobytes()


@pytest.mark.parametrize("name", OBJECT_CLASSES)
def test_a_drawing_is_cut_to_the_object_and_fills_much_of_it(name: str) -> None:
    sprite = draw_object(name, np.random.default_rng(3))
    alpha = np.asarray(sprite)[..., 3]
    assert sprite.mode == "RGBA"
    assert SPRITE_SIZE * 0.5 < max(sprite.size) <= SPRITE_SIZE
    assert alpha[0].any()
    assert alpha[-1].any()
    assert alpha[:, 0].any()
    assert alpha[:, -1].any()
    assert (alpha > 128).mean() > 0.1


@pytest.mark.parametrize("kind", BACKGROUNDS)
def test_a_background_has_its_size_and_differs_between_seeds(kind: str) -> None:
    first, other = (draw_background(np.random.default_rng(seed), (96, 64), kind) for seed in (1, 2))
    assert first.size == (96, 64)
    assert first.mode == "RGB"
    assert first.tobytes() != other.tobytes()


def test_objects_are_placed_inside_the_frame_and_apart() -> None:
    placements = place(np.random.default_rng(5), ["cat", "car", "drum"], sizes=(0.3, 0.4))
    assert all(0.1 < p.x < 0.9 and 0.1 < p.y < 0.9 and 0.3 <= p.size <= 0.4 for p in placements)
    gaps = [np.hypot(a.x - b.x, a.y - b.y) for i, a in enumerate(placements) for b in placements[:i]]
    assert min(gaps) > 0.2


def test_size_is_the_longer_side_as_a_share_of_the_frames_shorter_side() -> None:
    sprite = Image.new("RGBA", (100, 50), (255, 0, 0, 255))
    upright = Placement(x=0.5, y=0.5, size=0.5, angle=0.0, flip=False)
    assert fit_sprite(sprite, upright, (320, 200)).size == (100, 50)


def test_an_object_is_pasted_at_its_place() -> None:
    image = Image.new("RGB", (100, 60))
    paste(image, Image.new("RGBA", (10, 10), (255, 255, 255, 255)), 0.3, 0.5)
    rows, columns = np.nonzero(np.asarray(image)[..., 0])
    assert (columns.min(), columns.max(), rows.min(), rows.max()) == (25, 34, 25, 34)

"""Pictures of docs/perception.md: `python benchmarks/perception_pictures.py`.

It writes docs/pictures/perception-* and requires the real clips and models in ../shared/realdata. Each real clip is cut
into pieces of three seconds, so that three clips make a small catalog of real videos.
"""

import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from preroll.perception import Catalog, CatalogOptions, Detector, build_catalog, render_demo_videos
from preroll.perception.analysis.analysis import analyze
from preroll.perception.inspection.category_report import category_report, confusion_picture
from preroll.perception.inspection.contact_sheet import similar_picture
from preroll.perception.video.frame_folders import write_picture
from preroll.perception.video.resize import Fit, Fitter
from preroll.perception.video.sampling import Decoding, sample

FOLDER = Path(__file__).parents[1] / "docs" / "pictures"
REAL = Path(__file__).parents[2] / "shared" / "realdata"
CLIPS = {"bottles": "bottle-detection.mp4", "cars": "car-detection.mp4", "pool": "pool.mp4"}
DETECTOR = REAL / "weights" / "yolox_nano.onnx"
FRAMES_PER_PIECE = 9


def overlays(work: Path) -> None:
    """Draws a row of three frames with the objects detected in them."""
    chosen = {"bottles": 40, "cars": 20, "pool": 8}
    detector = Detector(DETECTOR)
    row = Image.new("RGB", (3 * 320 + 2 * 6, 180), "white")
    for i, (name, number) in enumerate(chosen.items()):
        analyze(REAL / "videos" / CLIPS[name], detector, overlay=work / name)
        with Image.open(work / name / f"{number}.jpg") as frame:
            row.paste(frame.resize((320, 180), Image.Resampling.LANCZOS), (i * 326, 0))
    row.save(FOLDER / "perception-overlay.jpg", quality=85)


def cut(work: Path) -> Path:
    """Writes the real clips in pieces, WORK/real/CATEGORY/PIECE/1.jpg, 2.jpg, …, and returns WORK/real."""
    for name, clip in CLIPS.items():
        fitter = Fitter(Fit(360, 640, "crop"))
        for i, one in enumerate(sample(REAL / "videos" / clip, Decoding())):
            piece = work / "real" / name / f"{name}-{i // FRAMES_PER_PIECE + 1:02d}"
            piece.mkdir(parents=True, exist_ok=True)
            write_picture(
                piece / f"{i % FRAMES_PER_PIECE + 1}.jpg", fitter(one.frame, turns=one.turns, mirrored=one.mirrored)
            )
    return work / "real"


def real_run(work: Path) -> None:
    """Builds a catalog of the real videos and draws a row of neighbours."""
    videos = cut(work)
    choices = CatalogOptions(idf=True)
    catalog = build_catalog(videos, work / "catalog", detector=DETECTOR, choices=choices).catalog
    query = int(np.flatnonzero(catalog.videos()["path"] == "cars/cars-03")[0])
    (FOLDER / "perception-neighbours-real.jpg").write_bytes(similar_picture(catalog, query, videos, 3))


def demo_run(work: Path) -> None:
    """Draws the confusion matrix of the demo catalog and a row of neighbours."""
    demo = Catalog.load("demo")
    render_demo_videos(work / "demo-videos")
    (FOLDER / "perception-neighbours.jpg").write_bytes(similar_picture(demo, 100, work / "demo-videos", 5))
    if demo.category_probabilities is not None:
        report = category_report(demo.category_probabilities, demo.category, demo.categories)
        (FOLDER / "perception-confusion.png").write_bytes(confusion_picture(report))


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        overlays(Path(folder))
        real_run(Path(folder))
        demo_run(Path(folder))

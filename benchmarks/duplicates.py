"""How many copies `preroll catalog duplicates` finds, and how often it is wrong: ``python -m benchmarks.duplicates``.

The demo's clips are all different: what is found among them is a false alarm, here among all pairs and not among
neighbours alone. Every tenth clip is then encoded anew in four ways, and the copies are looked for.
"""

import tempfile
from itertools import combinations
from pathlib import Path

import av

from preroll.perception import Catalog, build_catalog, find_duplicates, render_demo_videos
from preroll.perception.inspection.duplicates import difference_of

#: Codec, its options, scale and suffix.
COPIES = (
    ("libx264", {"crf": "32"}, 1.0, "mp4"),
    ("libx264", {"crf": "23"}, 0.5, "mov"),
    ("mpeg4", {}, 1.0, "avi"),
    ("libvpx", {}, 0.35, "webm"),
)


def main() -> None:
    """Prints false alarms and copies found."""
    demo = Catalog.load("demo")
    frames = demo.videos()["frames"].to_numpy()
    pairs = [
        pair for pair in combinations(range(demo.n_videos), 2) if abs(int(frames[pair[0]]) - int(frames[pair[1]])) <= 1
    ]
    alarms = sum(difference_of(demo, *pair, frames) is not None for pair in pairs)
    print(f"different clips: {alarms} of {len(pairs):,} pairs of about equal length, of {demo.n_videos} clips")
    with tempfile.TemporaryDirectory() as work:
        render_demo_videos(Path(work, "all"))
        clips = sorted(Path(work, "all").glob("*/*.mp4"))[::10]
        for clip in clips:
            folder = Path(work, "videos", clip.parent.name)
            folder.mkdir(parents=True, exist_ok=True)
            clip.rename(folder / clip.name)
            for copy in COPIES:
                encode_anew(folder / clip.name, *copy)
        found = find_duplicates(build_catalog(Path(work, "videos"), Path(work, "catalog")).catalog)
    originals = {f"{clip.parent.name}/{clip.name}" for clip in clips}
    pairs_found = list(zip(found["path"], found["other"], strict=True))
    right = [pair for pair in pairs_found if len({stem_of(name) for name in pair}) == 1]
    copies = {name for pair in right if originals & set(pair) for name in pair} - originals
    print(f"copies: {len(copies)} of {len(COPIES) * len(clips)}; wrong pairs: {len(pairs_found) - len(right)}")


def stem_of(path: str) -> str:
    """Returns the name of the clip that a file is a copy of."""
    return path.partition(".")[0]


def encode_anew(clip: Path, codec: str, options: dict[str, str], scale: float, suffix: str) -> None:
    """Writes a clip beside itself, as NAME.CODEC.SUFFIX."""
    with av.open(str(clip)) as source, av.open(str(clip.with_suffix(f".{codec}.{suffix}")), "w") as target:
        old = source.streams.video[0]
        new = target.add_stream(codec, rate=old.average_rate, options=options)
        assert isinstance(new, av.VideoStream)
        new.width, new.height = (int(size * scale) // 2 * 2 for size in (old.width, old.height))
        new.pix_fmt = "yuv420p"
        for frame in source.decode(old):
            scaled = frame.reformat(width=new.width, height=new.height, format="yuv420p")
            scaled.pict_type = av.video.frame.PictureType.NONE
            target.mux(new.encode(scaled))
        target.mux(new.encode(None))


if __name__ == "__main__":
    main()

"""How many copies `preroll catalog duplicates` finds, and how often it is wrong: ``python -m benchmarks.duplicates``.

The demo's clips are all different: what is found among them is a false alarm, here among all pairs and not among
neighbours alone. Every tenth clip is encoded anew in four ways, and the copies are looked for. The real clips are
different too; their pieces of three seconds show the same place at another time.
"""

import shutil
import tempfile
from itertools import combinations
from pathlib import Path

import av
import numpy as np

from benchmarks.bench_perception import REAL
from benchmarks.perception_pictures import cut
from preroll.perception import Catalog, build_catalog, find_duplicates, render_demo_videos
from preroll.perception.inspection.duplicates import difference_of

#: Codec, its options, scale and suffix.
COPIES = (
    ("libx264", {"crf": "32"}, 1.0, "mp4"),
    ("libx264", {"crf": "23"}, 0.5, "mov"),
    ("mpeg4", {}, 1.0, "avi"),
    ("libvpx", {}, 0.35, "webm"),
)
ENCODER = "efficientnet-lite0"


def main() -> None:
    """Prints false alarms and copies found."""
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work, "demo")
        render_demo_videos(folder)
        clips = sorted(folder.glob("*/*.mp4"))
        for clip in clips[::10]:
            for copy in COPIES:
                encode_anew(clip, *copy)
        catalog = build_catalog(folder, Path(work, "catalog"), encoder=ENCODER).catalog
        tell_alarms(catalog)
        tell_found(catalog, {f"{clip.parent.name}/{clip.name}" for clip in clips})
        if REAL.is_dir():
            shutil.copytree(REAL, Path(work, "clips", "real"))
            tell_real(Path(work), "clips", None)
            cut(Path(work)).rename(Path(work, "pieces"))
            tell_real(Path(work), "pieces", None)
            tell_real(Path(work), "pieces", "name")


def tell_alarms(catalog: Catalog) -> None:
    """Prints how many pairs of different demo clips pass for the same, and the largest cosine of their embeddings."""
    table = catalog.videos().sort_values("index")
    stems, frames = [stem_of(path) for path in table["path"]], table["frames"].to_numpy()
    pairs = [
        (one, other)
        for one, other in combinations(range(catalog.n_videos), 2)
        if stems[one] != stems[other] and abs(int(frames[one]) - int(frames[other])) <= 1
    ]
    alarms = sum(difference_of(catalog, *pair, frames) is not None for pair in pairs)
    assert catalog.embedding is not None
    units = catalog.embedding.astype(np.float64)
    units /= np.linalg.norm(units, axis=1, keepdims=True)
    largest = max(float(units[one] @ units[other]) for one, other in pairs)
    print(f"{len(pairs):,} pairs of different demo clips of about equal length, copies included:")
    print(f"  {alarms} the same by objects; largest cosine of embeddings {largest:.3f}")


def tell_found(catalog: Catalog, originals: set[str]) -> None:
    """Prints how many copies were found, by what, and how many pairs are no copies."""
    found = find_duplicates(catalog)
    right = found[found["path"].map(stem_of) == found["other"].map(stem_of)]
    copies = catalog.n_videos - len(originals)
    print(f"wrong pairs: {len(found) - len(right)}")
    for by in ("objects", "embedding", "either"):  # one that both find counts by objects
        own = right if by == "either" else right[right["by"] == by]
        with_original = own[own["path"].isin(originals) | own["other"].isin(originals)]
        names = {*with_original["path"], *with_original["other"]} - originals
        print(f"copies found with their original by {by}: {len(names)} of {copies}")


def tell_real(work: Path, name: str, group_by: str | None) -> None:
    """Prints what is found among the real clips, or their pieces."""
    catalog = build_catalog(
        work / name, work / f"{name} {group_by}", detector=ENCODER, embed=True, group_by=group_by
    ).catalog
    found = find_duplicates(catalog)["by"].value_counts().to_dict()
    print(f"real {name}{f', --group-by {group_by}' if group_by else ''}: {found} pairs of {catalog.n_videos} videos")


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

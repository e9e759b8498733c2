"""Cost of perception, relative to the bare libraries that it uses: ``make bench-perception``.

Parts, chosen by name (all by default); the two sides of every ratio alternate in one process:

* ``decode``: decoding, sampling at 3 frames a second and resizing to 128 × 128, against PyAV's bare forward decoding of
  the same file, one thread each, by CPU time; on the real clips of ../shared/realdata, or on rendered ones. Goal ≥ 0.8.
* ``detect``: frames through the detector, against a bare onnxruntime loop on prepared tensors, by CPU time. Goal ≥ 0.9.
* ``photographs``: the same for the network of photographs, where its weights are installed. Goal ≥ 0.9.
* ``default``: what the choice of a detector says of the 300 demo clips and of the real ones. Goal: no mistake.
* ``neighbours``: all-pairs top 10 with 80 classes, including normalisation, exclusion of the video itself and ordering
  of ties, against a bare faiss-cpu flat search, by CPU time of all threads. Goal ≤ 1.3 times.
* ``graph``: approximate neighbours of 100,000 videos at several search breadths: recall and time.
* ``int8``: the embedded network with static int8 quantisation against float32: speed and loss of accuracy.
* ``open``: opening a catalog of 1,000,000 videos.
* ``build``: the demo catalog of 300 clips. Goal < 60 s on two idle cores.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import av
import faiss
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from preroll.files import manifest
from preroll.perception import Catalog, Detector
from preroll.perception.catalog.manifest import about_array
from preroll.perception.features.neighbors import SEARCH_BREADTH, graph_of, nearest_neighbors
from preroll.perception.ingest.chosen_detector import judge
from preroll.perception.onnx_models.model_card import EMBEDDED
from preroll.perception.onnx_models.networks import PHOTOGRAPHS, is_here
from preroll.perception.video.resize import Fit, Fitter
from preroll.perception.video.sampling import Decoding, sample
from preroll.perception.workers.pool import drawn

REAL = Path(__file__).parents[2] / "shared" / "realdata" / "videos"
CLIPS = ("bottle-detection.mp4", "car-detection.mp4", "pool.mp4")
ROUNDS = 5


def main() -> None:
    """Runs the chosen parts; the exit status is 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="; ".join(PARTS))
    parser.add_argument("--videos", type=int, nargs="*", default=[10_000, 100_000], help="sizes for neighbours")
    chosen = parser.parse_args()
    missed = 0
    for name in chosen.parts or PARTS:
        print(f"\n{name}")
        results = PARTS[name](chosen.videos) if name == "neighbours" else PARTS[name]()
        for line, met in results:
            print(f"  {line}{'' if met is None else '  goal met' if met else '  GOAL MISSED'}", flush=True)
            missed += met is False
    sys.exit(missed > 0)


Results = Iterator[tuple[str, bool | None]]


def in_turn(
    ours: Callable[[], object], theirs: Callable[[], object], clock: Callable[[], float], *, rounds: int = ROUNDS
) -> tuple[float, float]:
    """Returns the median times of both functions [s], called alternately so that other load affects both."""
    if rounds > 1:
        ours(), theirs()
    times: tuple[list[float], list[float]] = [], []
    for _ in range(rounds):
        for function, kept in zip((ours, theirs), times, strict=True):
            began = clock()
            function()
            kept.append(clock() - began)
    return statistics.median(times[0]), statistics.median(times[1])


def bench_decode() -> Results:
    """Compares decoding, sampling and resizing with bare decoding."""
    with tempfile.TemporaryDirectory() as folder:
        clips = [REAL / name for name in CLIPS] if REAL.is_dir() else rendered(Path(folder), 1)
        for clip in clips:
            frames = bare_decode(clip)
            ours, bare = in_turn(
                lambda clip=clip: resized(clip), lambda clip=clip: bare_decode(clip), time.process_time
            )
            fast, _ = in_turn(lambda clip=clip: resized(clip, fast=True), lambda: None, time.process_time)
            rates = f"{frames / ours:7,.0f} of {frames / bare:7,.0f} frames per CPU-second: {bare / ours:.2f}"
            yield f"{clip.name:22} {rates} (with --fast {bare / fast:.2f})", bare / ours >= 0.8


def bare_decode(clip: Path) -> int:
    """Decodes every frame with PyAV, discards it, and returns the number of frames."""
    with av.open(str(clip)) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_type = "NONE"
        stream.codec_context.thread_count = 1
        return sum(1 for _ in container.decode(stream))


def resized(clip: Path, *, fast: bool = False) -> int:
    """Runs the stages of a worker before the network: decodes, samples and resizes."""
    fitter = Fitter(Fit(128, 128, "letterbox"))
    return sum(
        fitter(one.frame, turns=one.turns, aspect=one.aspect, mirrored=one.mirrored).shape[0]
        for one in sample(clip, Decoding(), fast=fast)
    )


def bench_detect() -> Results:
    """Compares the detector with its bare onnxruntime session."""
    detector = Detector(EMBEDDED)
    rng = np.random.default_rng(0)
    frames = [rng.integers(0, 256, (128, 128, 3), np.uint8) for _ in range(detector.batch)]
    tensor, session = detector.tensor(frames), session_of(EMBEDDED.read_bytes())
    (name,) = (one.name for one in session.get_inputs())
    repeats = range(40)
    ours, bare = in_turn(
        lambda: [detector.find(frames) for _ in repeats],
        lambda: [session.run(None, {name: tensor}) for _ in repeats],
        time.process_time,
    )
    count = len(repeats) * len(frames)
    rates = f"{count / ours:,.0f} of {count / bare:,.0f} frames per CPU-second: {bare / ours:.2f}"
    yield f"embedded network, batches of {len(frames)}: {rates}", bare / ours >= 0.9


def bench_photographs() -> Results:
    """Compares the network of photographs with its bare onnxruntime session, where its weights are installed."""
    if not is_here(PHOTOGRAPHS):
        return
    detector = Detector(Path(PHOTOGRAPHS))
    rng = np.random.default_rng(0)
    frames = [rng.integers(0, 256, (224, 224, 3), np.uint8) for _ in range(detector.batch)]
    tensor, session = detector.tensor(frames), session_of(detector.model.read_bytes())
    repeats = range(10)
    ours, bare = in_turn(
        lambda: [detector.find(frames) for _ in repeats],
        lambda: [session.run(None, {"frames": tensor}) for _ in repeats],
        time.process_time,
    )
    count = len(repeats) * len(frames)
    rates = f"{1000 * ours / count:.1f} ms a frame, bare {1000 * bare / count:.1f}: {bare / ours:.2f}"
    yield f"{PHOTOGRAPHS}, batches of {len(frames)}: {rates}", bare / ours >= 0.9


def bench_default() -> Results:
    """Counts what the choice of a default says of clips: all demo clips are drawings, and no real clip is."""
    with tempfile.TemporaryDirectory() as folder:
        found = drawn(rendered(Path(folder), 100), judge())
    yield f"demo clips taken for something else: {found.count(False)} of {len(found)}", all(found)
    real = [is_drawn for is_drawn in drawn(sorted(REAL.glob("*")), judge()) if is_drawn is not None]
    yield f"real clips that are no drawings: {real.count(False)} of {len(real)}", not any(real)


def session_of(model: bytes) -> onnxruntime.InferenceSession:
    """Returns a session configured like the detector's: one thread, no spinning."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def bench_neighbors(sizes: list[int]) -> Results:
    """Compares exact neighbours with a bare flat search."""
    for n in sizes:
        rng = np.random.default_rng(0)
        shown = (rng.random((n, 80)) * (rng.random((n, 80)) < 0.15)).astype(np.float32)
        units = shown / np.maximum(np.linalg.norm(shown, axis=1, keepdims=True), 1e-9)
        rounds = ROUNDS if n <= 10_000 else 1
        ours, bare = in_turn(
            partial(nearest_neighbors, shown), partial(flat_search, units), time.process_time,
            rounds=rounds,
        )  # fmt: skip
        line = f"{n:7,} videos: {ours:6.1f} CPU-seconds against {bare:6.1f}: {ours / bare:.2f} times"
        yield line, ours / bare <= 1.3
        tied = (rng.random((n, 80)) < 0.03).astype(np.float32)
        spent = cpu(partial(nearest_neighbors, tied))
        yield f"{n:7,} videos by presence alone, where thousands tie: {spent:.1f} CPU-seconds", None


def bench_graph() -> Results:
    """Measures recall and time of the graph at several breadths; random vectors are the hardest case."""
    n, sample = 100_000, 1_000
    rng = np.random.default_rng(0)
    random = rng.random((n, 80)) * (rng.random((n, 80)) < 0.15)
    kinds = rng.random((300, 80)) * (rng.random((300, 80)) < 0.15)
    alike = kinds[rng.integers(0, len(kinds), n)] * rng.uniform(0.5, 1.5, (n, 80)) + 0.1 * random
    for name, shown in (("at random", random), ("of 300 kinds", alike)):
        units = (shown / np.maximum(np.linalg.norm(shown, axis=1, keepdims=True), 1e-9)).astype(np.float32)
        exact = faiss.IndexFlatIP(80)
        exact.add(units)
        rows = rng.choice(n, sample, replace=False)
        truth, _ = exact.search(units[rows], 11)
        began = time.process_time()
        index = graph_of(units)
        yield f"vectors {name}: the graph is built in {time.process_time() - began:.0f} CPU-seconds", None
        for breadth in (32, 64, 128, 256):
            index.hnsw.efSearch = breadth
            began = time.process_time()
            found, _ = index.search(units[rows], 11)
            seconds = (time.process_time() - began) * n / sample
            recall = (found >= truth - 1e-5).mean()
            used = " (used)" if breadth == SEARCH_BREADTH else ""
            yield f"  breadth {breadth:3}{used}: recall {recall:.1%}, {seconds:.0f} CPU-seconds for all", None


def flat_search(units: NDArray[np.float32]) -> None:
    """Runs the least work that faiss has to do."""
    index = faiss.IndexFlatIP(units.shape[1])
    index.add(units)
    index.search(units, 10)


def cpu(function: Callable[[], object]) -> float:
    """Returns the CPU time of one call, over all threads [s]."""
    began = time.process_time()
    function()
    return time.process_time() - began


def wall(function: Callable[[], object]) -> float:
    """Returns the wall-clock time of one call [s]."""
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


def bench_int8() -> Results:
    """Compares the embedded network in int8, calibrated on rendered pictures, with float32."""
    from preroll.perception.demo.objects import OBJECT_CLASSES
    from preroll.perception.training.pictures import Pictures
    from preroll.perception.training.scoring import score

    calibration, held_out = Pictures([777], 20).batch(120).pictures, Pictures([778], 20).batch(400)
    sessions = {"float32": session_of(EMBEDDED.read_bytes()), "int8": session_of(quantized(calibration))}
    threshold = Detector(EMBEDDED).card.score_threshold
    f1 = {}
    for name, session in sessions.items():
        found = session.run(["probabilities"], {"pictures": held_out.pictures})[0] >= threshold
        counts = score(found, held_out.present > 0, OBJECT_CLASSES)
        f1[name] = 2 * counts["hits"] / (counts["found"] + counts["present"])
        yield f"{name:8} precision {counts['precision']:.3f}, recall {counts['recall']:.3f}, F1 {f1[name]:.3f}", None
    batch = held_out.pictures[:8]
    quick, usual = in_turn(
        lambda: [sessions["int8"].run(None, {"pictures": batch}) for _ in range(30)],
        lambda: [sessions["float32"].run(None, {"pictures": batch}) for _ in range(30)],
        time.process_time,
    )
    yield f"int8 is {usual / quick:.2f} times as fast, and loses {f1['float32'] - f1['int8']:.3f} of F1", None


def quantized(pictures: NDArray[np.uint8]) -> bytes:
    """Returns the embedded network with weights and activations in int8 (QDQ)."""
    from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        """Source of onnxruntime's calibration: all pictures, uint8 [n, 3, 128, 128], eight at a time."""

        def __init__(self) -> None:
            self.batches = iter(pictures.reshape(-1, 8, *pictures.shape[1:]))

        def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
            """Returns the next eight pictures under the network's input name; None after the last."""
            batch = next(self.batches, None)
            return None if batch is None else {"pictures": batch}

    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ready, small = Path(folder, "ready.onnx"), Path(folder, "int8.onnx")
        quant_pre_process(str(EMBEDDED), str(ready))
        quantize_static(
            str(ready), str(small), Reader(), per_channel=True,
            activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
        )  # fmt: skip
        return small.read_bytes()


def bench_open() -> Results:
    """Measures the time to open a catalog of a million videos, stored in sparse files."""
    n, c = 1_000_000, 80
    shapes = {
        "category": ("<i2", (n,)), "importance": ("<f4", (n, c)), "category_probabilities": ("<f4", (n, 3)),
        "neighbors": ("<i4", (n, 10)), "neighbor_scores": ("<f4", (n, 10)),
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        files: dict[str, object] = {name: {"sha256": "0" * 64} for name in ("classes.json", "videos.csv")}
        for name, (kind, shape) in shapes.items():
            np.lib.format.open_memmap(Path(folder, f"{name}.npy"), "w+", kind, shape)
            files[f"{name}.npy"] = {"sha256": "0" * 64, "shape": list(shape)}
        demo = Catalog.load("demo").manifest
        Path(folder, "manifest.json").write_text(json.dumps(demo | {"videos": n, "files": files}))
        yield (
            f"{n:,} videos are opened in {1000 * min(wall(lambda: Catalog.load(folder)) for _ in range(5)):.2f} ms",
            None,
        )


def bench_first_use() -> Results:
    """Measures how long the importance of 100,000 videos of 1,000 classes is checked when it is first used."""
    n, c = 100_000, 1000
    shares = np.random.default_rng(0).random((n, c), np.float32)
    arrays = {
        "category": np.zeros(n, np.int16), "importance": shares,
        "neighbors": np.full((n, 10), -1, np.int32), "neighbor_scores": np.zeros((n, 10), np.float32),
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "classes.json").write_text(json.dumps([f"class {i}" for i in range(c)]))
        Path(folder, "videos.csv").write_text("")
        for name, array in arrays.items():
            np.save(Path(folder, f"{name}.npy"), array)
        facts = {"command": "benchmark", "categories": ["all"], "videos": n}
        manifest.write(Path(folder), "catalog", facts, about=lambda name: about_array(arrays.get(name[:-4])))
        took = wall(lambda: Catalog.load(folder).importance)
        yield f"{n:,} videos of {c:,} classes, {shares.nbytes:,} bytes: checked at the first use in {took:.2f} s", None
        yield (
            f"opened and used once more in the same process: {wall(lambda: Catalog.load(folder).importance):.2f} s",
            None,
        )


def rendered(folder: Path, per_category: int) -> list[Path]:
    """Renders demo clips and returns their paths."""
    from preroll.perception import render_demo_videos

    render_demo_videos(folder / "videos", per_category=per_category)
    return sorted((folder / "videos").glob("*/*.mp4"))


def bench_build() -> Results:
    """Measures the time to build the demo catalog."""
    from preroll.perception import build_catalog

    with tempfile.TemporaryDirectory() as folder:
        clips = rendered(Path(folder), 100)
        seconds = wall(lambda: build_catalog(Path(folder, "videos"), Path(folder, "catalog")))
        yield f"{len(clips)} clips become a catalog in {seconds:.1f} s", seconds < 60


PARTS: dict[str, Callable[..., Results]] = {
    "decode": bench_decode,
    "detect": bench_detect,
    "photographs": bench_photographs,
    "default": bench_default,
    "neighbours": bench_neighbors,
    "graph": bench_graph,
    "int8": bench_int8,
    "open": bench_open,
    "first-use": bench_first_use,
    "build": bench_build,
}

if __name__ == "__main__":
    main()

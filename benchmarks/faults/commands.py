"""What is tried: the commands that write, and the commands that read each kind of file back."""

from dataclasses import dataclass

_DQN = ("--sessions", "200", "--set", "num_envs=8", "--set", "user.mismatch=0.2")


def _words(line: str) -> tuple[str, ...]:
    return tuple(line.split())


@dataclass(frozen=True)
class Writer:
    """A command that writes.

    Attributes:
        row: name in the table.
        words: the command line.
        needs: entries of the template that it starts with.
        targets: what it writes.
        whole: whether each target is either complete or absent; else it is filled file by file and resumes.
        resume: what continues it where a checkpoint is left.
        reader: reads the target's old content at any time.
        share: how often it is tried, for slow ones less.
    """

    row: str
    words: tuple[str, ...]
    needs: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    whole: bool = True
    resume: tuple[str, ...] = ()
    reader: tuple[str, ...] = ()
    share: float = 1.0


_TAGS = ("tags.yaml", "tags-data", "tags-run")
_ANNOTATE = _words("predict annotate catalog --tags tags --out tagged")
_IMPORT = _words("agent import sb3.zip --run own --trust-pickle")

WRITERS = (
    Writer(
        "train", _words("train thompson --sessions 300 --set num_envs=16 --run mine"), (), ("mine",),
        resume=_words("train --resume mine"),
    ),
    Writer(
        "train with checkpoints", ("train", "dqn", *_DQN, "--run", "deep"), (), ("deep",),
        resume=_words("train --resume deep"), share=2,
    ),
    Writer(
        "train --replace", _words("train linucb --sessions 300 --set num_envs=16 --run mine --replace"), ("mine",),
        ("mine",), resume=_words("train --resume mine"), reader=_words("evaluate mine --sessions 200"), share=2,
    ),
    Writer("train --resume", _words("train --resume deep"), (".deep.preroll",), ("deep",), share=2),
    Writer(
        "experiment run", _words("experiment run tiny.yaml --out exp --workers 1"), ("tiny.yaml",), ("exp",),
        whole=False, share=2,
    ),
    Writer(
        "experiment report", _words("experiment report exp"), ("exp", "tiny.yaml"), ("exp/report.html",),
        reader=_words("experiment results exp"),
    ),
    Writer(
        "tune", _words("tune thompson --out search --trials 3 --sessions 60 --set num_envs=16"), (), ("search",),
        whole=False,
    ),
    Writer(
        "catalog demo-videos", _words("catalog demo-videos clips --per-category 1 --workers 1"), (), ("clips",),
        whole=False,
    ),
    Writer(
        "catalog build", _words("catalog build videos --out catalog --workers 1"), ("videos",), ("catalog",), share=2,
    ),
    Writer(
        "catalog build, again", _words("catalog build videos --out catalog --workers 1 --importance presence"),
        ("videos", "catalog"), ("catalog",), reader=_words("catalog show catalog"),
    ),
    Writer("catalog export", _words("catalog export catalog --csv tables"), ("catalog",), ("tables",)),
    Writer("predict annotate", _ANNOTATE, ("catalog", "tags"), ("tagged",)),
    Writer("predict generate", _words("predict generate tags --out made"), (), ("made",), share=0.5),
    Writer("predict train", _words("predict train tags.yaml"), ("tags.yaml", "tags-data"), ("tags-run",)),
    Writer(
        "predict train --replace", _words("predict train tags.yaml --replace"), _TAGS,
        ("tags-run",), reader=_words("predict evaluate tags.yaml"),
    ),
    Writer("predict apply", _words("predict apply tags.yaml --out found"), _TAGS, ("found",)),
    Writer("impressions", _words("impressions mine log.parquet --sessions 50"), ("mine",), ("log.parquet",)),
    Writer("export", _words("export mine policy.onnx"), ("mine",), ("policy.onnx",)),
    Writer("agent import", _IMPORT, ("sb3.zip",), ("own",)),
    Writer("detect", _words("detect videos/cars/cars-001.mp4 --out found.csv"), ("videos",), ("found.csv",)),
    Writer("optimum --plot", _words("optimum --plot best.svg"), (), ("best.svg",)),
    Writer(
        "quickstart", _words("quickstart --out quick --scenario classic --sessions 300 --evaluation-sessions 1000"),
        (), ("quick",), whole=False, share=0.3,
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Kept:
    """A kind of file that is read back.

    Attributes:
        row: name in the table.
        needs: entries of the template.
        files: pattern of the files.
        readers: commands that read it; one is drawn.
        mend: what makes it good again where it was noticed.
        free: whether the user writes it, so that no checksum covers it: then only crashes count.
    """

    row: str
    needs: tuple[str, ...]
    files: str
    readers: tuple[tuple[str, ...], ...]
    mend: tuple[str, ...] = ()
    free: bool = False


_RUN = (_words("evaluate mine --sessions 100"), _words("impressions mine log.parquet --sessions 20"))
_RESUME = (_words("train --resume deep"),)
_EXPERIMENT = (_words("experiment status exp"), _words("experiment results exp"), _words("experiment report exp"))
_AGAIN = _words("experiment run tiny.yaml --out exp --workers 1")
_CATALOG = (
    _words("train thompson --scenario own.yaml --catalog catalog --sessions 60 --set num_envs=8 --run new"),
    _words("optimum --scenario own.yaml --catalog catalog"),
    _words("catalog show catalog"), _words("catalog export catalog --csv tables"), _words("catalog verify catalog"),
    _words("catalog similar catalog cars/cars-001.mp4"),
)  # fmt: skip
_BUILD = (_words("catalog build videos --out catalog --workers 1"),)
_PREDICT = (_words("predict evaluate tags.yaml"), _words("predict apply tags.yaml --out found"))
_SEARCH = (_words("tune thompson --out search --trials 4 --sessions 60 --set num_envs=16"),)

KEPT = (
    *(
        Kept(f"run: {name}", ("mine",), f"mine/{name}", _RUN)
        for name in ("scenario.yaml", "settings.yaml", "result.json", "manifest.json")
    ),
    Kept("run: agent/*", ("mine",), "mine/agent/*", _RUN),
    Kept("run: agent/* (dqn)", ("deep",), "deep/agent/*", (_words("evaluate deep --sessions 100"),)),
    Kept("run: events", ("mine",), "mine/events*", _RUN),
    Kept("checkpoint: manifest.json, *.yaml", (".deep.preroll",), ".deep.preroll/checkpoint/[ms]*.*[ln]", _RESUME),
    Kept("checkpoint: loop.*", (".deep.preroll",), ".deep.preroll/checkpoint/loop.*", _RESUME),
    Kept("checkpoint: agent/*", (".deep.preroll",), ".deep.preroll/checkpoint/agent/*", _RESUME),
    Kept("work folder: mark and lock", (".deep.preroll",), ".deep.preroll/[ml]*k*", _RESUME),
    Kept("cell: cell.json", ("exp", "tiny.yaml"), "exp/cells/*/*/*/cell.json", _EXPERIMENT, _AGAIN),
    Kept("cell: its run", ("exp", "tiny.yaml"), "exp/cells/*/*/*/[!ec]*", _EXPERIMENT, _AGAIN),
    Kept("experiment: plan.json", ("exp", "tiny.yaml"), "exp/plan.json", _EXPERIMENT, _AGAIN),
    Kept("experiment: failures.json", ("failed", "tiny.yaml"), "failed/failures.json",
         (_words("experiment status failed"),)),
    Kept("experiment: experiment.yaml", ("exp", "tiny.yaml"), "exp/experiment.yaml", _EXPERIMENT, _AGAIN),
    Kept("tune: journal", ("search",), "search/*journal*", _SEARCH, _SEARCH[0]),
    Kept("tune: search, preset", ("search",), "search/[!j]*", _SEARCH),
    Kept("catalog: arrays", ("catalog", "own.yaml"), "catalog/*.npy", _CATALOG),
    Kept("catalog: detections", ("catalog", "own.yaml"), "catalog/detections/*", _CATALOG),
    Kept("catalog: tables", ("catalog", "own.yaml"), "catalog/[!m]*.[cj]*", _CATALOG),
    Kept("catalog: manifest.json", ("catalog", "own.yaml"), "catalog/manifest.json", _CATALOG),
    Kept(
        "catalog: build journal", ("half/videos", "half/.catalog.preroll"), ".catalog.preroll/[!lm]*", _BUILD,
        _BUILD[0],
    ),
    Kept("prediction run", _TAGS, "tags-run/*", _PREDICT),
    Kept("predictions", ("catalog", "tags"), "tags/*", (_ANNOTATE,)),
    Kept("user's scenario", ("own.yaml", "catalog"), "own.yaml", _CATALOG[:2], free=True),
    Kept(
        "user's experiment", ("tiny.yaml", "exp"), "tiny.yaml",
        (_words("experiment run tiny.yaml --out exp --dry-run"),), free=True,
    ),
    Kept("user's archive", ("sb3.zip",), "sb3.zip", (_IMPORT,), free=True),
)  # fmt: skip

"""The detector of a catalog: as the user says, as it was, or chosen once by what a sample of the videos shows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from preroll.errors import PrerollError
from preroll.files import sealed
from preroll.perception.analysis.encoder import EncoderFile
from preroll.perception.catalog.catalog import Catalog
from preroll.perception.ingest.journal import choice_file
from preroll.perception.ingest.video_folder import SourceVideo
from preroll.perception.onnx_models import networks
from preroll.perception.onnx_models.model_file import ModelFile
from preroll.perception.onnx_models.networks import DRAWINGS, PHOTOGRAPHS
from preroll.perception.onnx_models.weight_packages import PACKAGES

#: So many videos are looked at, spread evenly over the list.
SAMPLE = 64
#: So large a share of them, at least, must be no drawings for the network of photographs.
_SHARE = 0.25
#: Entry of the manifest, where any video that was looked at is no drawing.
KEY = "no_drawings"


@dataclass(frozen=True)
class Looked:
    """What a look at a sample of the videos found.

    Attributes:
        strange: number of videos that are no drawings of preroll.
        videos: number of videos looked at that could be decoded.
    """

    strange: int
    videos: int

    @property
    def photographs(self) -> bool:
        """Whether so many are no drawings that the network of drawings is the wrong one."""
        return self.strange > 0 and self.strange >= _SHARE * self.videos

    @property
    def told(self) -> str:
        """The finding in words."""
        if self.videos == 1:
            return "the video is not drawn by preroll"
        return f"{self.strange:,} of {self.videos:,} videos looked at are not drawn by preroll"

    @classmethod
    def of(cls, found: Sequence[bool | None]) -> "Looked":
        """Counts what was found of each video: whether preroll drew it, or None if it cannot be decoded."""
        return cls(found.count(False), len(found) - found.count(None))

    @classmethod
    def read(cls, facts: Any) -> "Looked | None":
        """Returns what :meth:`facts` wrote; None if it is something else."""
        strange, videos = (facts.get(key) for key in ("videos", "of")) if isinstance(facts, dict) else (None, None)
        return cls(strange, videos) if type(strange) is int and type(videos) is int else None

    @property
    def facts(self) -> dict[str, int]:
        """The finding for a manifest."""
        return {"videos": self.strange, "of": self.videos}


@dataclass(frozen=True)
class Choice:
    """The detector of a build.

    Attributes:
        model: the network.
        looked: what the look at the videos found; None where it did not matter.
        by_itself: whether preroll chose it.
    """

    model: ModelFile
    looked: Looked | None = None
    by_itself: bool = False

    @property
    def facts(self) -> dict[str, Any]:
        """Entries of the manifest: none for drawings, so that their catalogs stay as they were."""
        return {KEY: self.looked.facts} if self.looked is not None and self.looked.strange else {}

    def note(self, command: str) -> str:
        """Returns a line for the user where preroll took the network of photographs, or another should be; else empty.

        Args:
            command: to which ``--detector NAME`` is added to use another.
        """
        if self.looked is None or not self.looked.photographs:
            return ""
        card = self.model.card
        if networks.knows_drawings_alone(card.sha256):
            return wrong_network(self.looked, card.name, command, objects=card.finds_objects)
        return f"{self.looked.told}: objects are found by {card.name}, which was trained on photographs"


def wrong_network(looked: Looked, name: str, command: str, *, objects: bool = False) -> str:
    """Returns the line for videos of a kind that a network never saw: what was found, and the command that helps."""
    wrong = f"{looked.told}, and {name} knows preroll's drawings alone, so that the objects it finds are wrong"
    if objects:
        return f"{wrong}: give `{command} --detector MODEL.onnx`, a network that finds objects in photographs"
    install = "" if networks.is_here(PHOTOGRAPHS) else f"`{PACKAGES[PHOTOGRAPHS].command}`, then "
    return f"{wrong}: {install}`{command} --detector {PHOTOGRAPHS}`"


def sampled(videos: Sequence[SourceVideo]) -> list[SourceVideo]:
    """Returns at most :data:`SAMPLE` videos, spread evenly over those that may be decoded."""
    whole = [one for one in videos if not one.problem]
    count = min(SAMPLE, len(whole))
    return [whole[i * len(whole) // count] for i in range(count)]


def judge() -> EncoderFile | None:
    """Returns the network that tells drawings from other pictures; None where it is not here, or cannot be made."""
    try:
        return EncoderFile.find(Path(PHOTOGRAPHS)) if networks.is_here(PHOTOGRAPHS) else None
    except PrerollError:
        return None  # told where it is chosen


def look_at(videos: Sequence[SourceVideo], drawn: Callable[[list[Path]], list[bool | None]]) -> Looked:
    """Looks at a sample of the videos; ``drawn`` says of each whether preroll drew it."""
    return Looked.of(drawn([one.file for one in sampled(videos)]))


def choose(out: Path, given: ModelFile | None, look: Callable[[], Looked], *, replace: bool) -> Choice:
    """Chooses the detector of the catalog ``out``.

    Args:
        out: the folder of the catalog.
        given: what the user asks for, if anything.
        look: looks at the videos; called only where it matters.
        replace: whether the detector of a catalog that is there may change.
    """
    if given is None and not replace and (kept := _kept(out)) is not None:
        drawings = networks.knows_drawings_alone(kept.model.card.sha256)
        return Choice(kept.model, look(), by_itself=True) if drawings and kept.looked is None else kept
    return usual_or(given, look)


def usual_or(given: ModelFile | None, look: Callable[[], Looked]) -> Choice:
    """Returns the network that is given, else the default for what the look at the videos finds."""
    if given is not None:
        return Choice(given, look() if networks.knows_drawings_alone(given.card.sha256) else None)
    looked = look()
    photographs = looked.photographs and networks.is_here(PHOTOGRAPHS)
    return Choice(ModelFile.find(Path(PHOTOGRAPHS if photographs else DRAWINGS)), looked, by_itself=True)


def remember(out: Path, choice: Choice) -> None:
    """Writes the choice beside the journal of the build, for the one that resumes it."""
    if choice.by_itself and choice.looked is not None:
        content = {"detector": choice.model.card.name, KEY: choice.looked.facts}
        choice_file(out).write_text(sealed.text_of(content), "utf8")


def check_kept(out: Path, given: ModelFile | None, *, replace: bool) -> str:
    """Checks that a build does not change the detector of the catalog that is there unless it is asked to.

    Returns:
        The name of the detector that changes; empty if none does, or there is no catalog.

    Raises:
        PrerollError: naming both detectors and the option.
    """
    there = _detector_of(out)
    if there is None:
        return ""
    name, sha256 = there
    if given is not None and given.card.sha256 != sha256:
        if not replace:
            raise PrerollError(
                f"--detector {given.card.name}: {out} was made with {name}: give --replace, and all of its videos are"
                " analysed again; or another --out"
            )
        return name
    if given is None and not replace and not _default_of(sha256):
        raise PrerollError(
            f"--out {out}: was made with {name}: give its file with --detector; or --replace, and all of its videos are"
            " analysed again with the usual network"
        )
    return name if given is None and replace else ""


def _kept(out: Path) -> Choice | None:
    """Returns what the interrupted build of ``out`` had chosen, else the default that its catalog was made with."""
    try:
        content = sealed.read(choice_file(out))
        name, looked = str(content["detector"]), Looked.read(content[KEY])
    except (OSError, PrerollError, KeyError):
        there = _detector_of(out)
        name = "" if there is None else _default_of(there[1])
        looked = Looked.read(Catalog.load(out).manifest.get(KEY)) if name else None
    return Choice(ModelFile.find(Path(name)), looked, by_itself=True) if name else None


def _detector_of(out: Path) -> tuple[str, str] | None:
    """Returns name and hash of the detector of the catalog ``out``; None if there is no catalog."""
    try:
        detector = Catalog.load(out).manifest["detector"]
        return str(detector["name"]), str(detector["sha256"])
    except (PrerollError, OSError, ValueError, KeyError, TypeError):
        return None


def _default_of(sha256: str) -> str:
    """Returns the name of the network, if it is one of those that preroll chooses by itself, else an empty text."""
    return next((name for name in (DRAWINGS, PHOTOGRAPHS) if networks.card_of(name).sha256 == sha256), "")

"""What a build reads and writes and by whom it is done, checked before the work; and its command, for the manifest."""

import shlex
from dataclasses import dataclass
from pathlib import Path

from preroll.errors import PrerollError
from preroll.files import work_folder
from preroll.perception.analysis.encoder import EncoderFile
from preroll.perception.ingest.catalog_content import CatalogOptions
from preroll.perception.ingest.chosen_detector import Choice, judge
from preroll.perception.ingest.video_folder import Listing, SourceVideo
from preroll.perception.ingest.writer import check_replaceable
from preroll.perception.onnx_models.model_card import EMBEDDED
from preroll.perception.onnx_models.model_file import HasModelCard, ModelFile
from preroll.perception.onnx_models.networks import DRAWINGS
from preroll.perception.video.frame_folders import check_only_frames
from preroll.perception.workers.pool import VideoPool, drawn
from preroll.system.portable_names import kept_or_portable
from preroll.workers.job import Limits


@dataclass(frozen=True)
class Plan:
    """Validated inputs and outputs of a build."""

    videos: Path
    out: Path
    frames: Path | None
    downloads: Path
    listing: Listing
    given: ModelFile | None
    replace: bool
    fast: bool
    group_by: str | None
    embed: bool
    encoder: EncoderFile | None

    def encoder_beside(self, detector: ModelFile) -> EncoderFile | None:
        """Returns the network that embeds the videos: another, or the detector itself; None if none does."""
        return self.encoder or EncoderFile.of_detector(detector) if self.embed else None

    def saved(self, listed: SourceVideo) -> Path | None:
        """Returns the folder for the sampled frames of a video, or None if frames are not saved."""
        if self.frames is None:
            return None
        return self.frames / kept_or_portable(listed.category) / kept_or_portable(listed.name)


@dataclass(frozen=True)
class Workers:
    """Number, limits and engine of the worker processes."""

    workers: int | None
    limits: Limits | None
    engine: str

    def pool(self, model: ModelFile, encoder: EncoderFile | None) -> VideoPool:
        """Returns workers that analyse videos."""
        return VideoPool(model, encoder=encoder, workers=self.workers, limits=self.limits, engine=self.engine)

    def drawn(self, videos: list[Path]) -> list[bool | None]:
        """Returns for each video whether it is drawn; None if it cannot be told."""
        return drawn(videos, judge(), workers=self.workers, limits=self.limits, engine=self.engine)


def check_places(plan: Plan) -> None:
    """Checks that inputs and outputs are disjoint, and that no user file would be overwritten."""
    places = {"VIDEOS": plan.videos.resolve(), "--out": plan.out.resolve()}
    if plan.frames is not None:
        places["--save-frames"] = plan.frames.resolve()
    if any(one.url for one in plan.listing.videos):
        places["--downloads"] = plan.downloads.resolve()
    names = list(places)
    for i, first in enumerate(names):
        for second in names[i + 1 :]:
            one, other = places[first], places[second]
            if one == other or one in other.parents or other in one.parents:
                raise PrerollError(f"{second} {other.name}: must not lie in {first}, nor hold it; give another folder")
    check_replaceable(plan.out)
    if plan.frames is not None:
        _check_saved(plan)


def _check_saved(plan: Plan) -> None:
    names: dict[Path | None, str] = {}
    for listed in plan.listing.videos:
        folder = plan.saved(listed)
        if folder is not None:
            check_only_frames(folder)
            work_folder.check_name(work_folder.beside(folder), f"--save-frames {folder}")
        if folder in names:
            raise PrerollError(
                f"--save-frames: {names[folder]} and {listed.path} would share {listed.category}/{listed.name}"
            )
        names[folder] = listed.path


def command_of(plan: Plan, choice: Choice, choices: CatalogOptions) -> str:
    """Returns the command for the manifest, with names instead of paths so that it does not depend on the machine."""
    parts = ["preroll", "catalog", "build", shlex.quote(plan.videos.absolute().name), "--out", "DIR"]
    if choice.model.model != EMBEDDED:
        parts += ["--detector", _named(choice.model)]
    elif choice.looked is not None and choice.looked.photographs:  # where another one would be chosen
        parts += ["--detector", DRAWINGS]
    parts += ["--trust", choice.model.card.sha256] * choice.model.trusted
    parts += ["--embed"] * plan.embed
    parts += [] if plan.encoder is None else ["--encoder", _named(plan.encoder)]
    usual = CatalogOptions()
    parts += ["--fast"] * plan.fast
    parts += [] if plan.group_by is None else ["--group-by", shlex.quote(plan.group_by)]
    for key in ("importance", "classifier", "neighbors_by", "embed_size"):
        if getattr(choices, key) != getattr(usual, key):
            parts += [f"--{key.replace('_', '-')}", str(getattr(choices, key))]
    parts += ["--idf"] * choices.idf + ["--approximate"] * choices.approximate
    return " ".join(parts)


def _named(network: HasModelCard) -> str:
    kept = network.model.parent.name == network.card.sha256  # it has a name, and its file is nobody's
    return shlex.quote(network.model.stem if kept else network.model.name)

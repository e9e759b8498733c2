"""Settings of the three prediction tasks, as read from YAML.

The descriptions of the fields become the tables of docs/predictions.md (see
:mod:`~preroll.perception.prediction.framework.settings_table`).
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError, field_validator

from preroll.bounded.yaml_text import load_yaml
from preroll.console.nearest import known
from preroll.errors import PrerollError
from preroll.yaml_config import FileModel, explain

Share = Annotated[float, Field(ge=0, lt=1)]
Positive = Annotated[int, Field(ge=1)]
Folds = Annotated[int, Field(ge=2)]
Penalty = Annotated[float, Field(gt=0)]
# scikit-learn accepts seeds up to 2**32 - 1; the inner folds of memorability use seed + 1.
Seed = Annotated[int, Field(ge=0, lt=2**32 - 1)]


def _differing(values: tuple[Any, ...]) -> tuple[Any, ...]:
    if twice := [value for i, value in enumerate(values) if value in values[:i]]:
        raise ValueError(f"{twice[0]!r} occurs twice")
    return values


Seeds = Annotated[tuple[Seed, ...], Field(min_length=1), AfterValidator(_differing)]
RunFolder = Annotated[Path, Field(description="folder of the run")]


class TagModel(FileModel):
    """Architecture of the tag network."""

    name: Literal["linear", "mlp", "gated", "moe"] = Field(
        default="gated", description="`linear`, `mlp`, `gated` or `moe`"
    )
    units: Positive = Field(default=1024, description="units of the hidden layer of `gated`")
    hidden: tuple[Positive, Positive] = Field(
        default=(2000, 3200), description="units of the two hidden layers of `mlp`, as in the classic course network"
    )
    experts: Positive = Field(default=2, description="experts per class of `moe`")
    input_dropout: Share = Field(default=0.4, description="dropout rate of the normalised features")
    dropout: Share = Field(default=0.5, description="dropout rate of hidden units")


class GenreModel(FileModel):
    """Architecture of the genre network."""

    name: Literal["bilstm", "attention", "mean-mlp", "logistic"] = Field(
        default="attention", description="`bilstm`, `attention`, `mean-mlp` or `logistic`"
    )
    units: Positive = Field(default=128, description="units of the hidden layer, or of the LSTM in each direction")
    dropout: Share = Field(
        default=0.3, description="dropout rate before the last layer; for `attention`, of the hidden units"
    )
    patch: Positive = Field(
        default=64,
        description="frames of a random crop in time during training; at test, the patches that cover the video are "
        "averaged",
    )


# Types with descriptions, of settings whose defaults two tasks give.
Epochs = Annotated[Positive, Field(description="passes over the training videos")]
Batch = Annotated[Positive, Field(description="videos per step")]
WeightDecay = Annotated[float, Field(ge=0, description="weight decay of AdamW")]
NetworkSeeds = Annotated[Seeds, Field(description="one network is trained per seed; predictions are their mean")]
BestBy = Annotated[
    str | None,
    Field(description="validation metric whose best epoch is kept; without it, the last epoch is kept"),
]


class TrainingSettings(FileModel):
    """Training of a network by AdamW, with a learning rate that rises for 15 % of the steps and then falls to 0."""

    epochs: Epochs = 12
    batch: Batch = 128
    rate: float = Field(default=1.5e-3, gt=0, description="maximum learning rate")
    weight_decay: WeightDecay = 0.0
    seeds: NetworkSeeds = (0, 1, 2)
    bf16: bool = Field(
        default=False,
        description="whether to compute in bfloat16; a processor without native support uses float32, and the report "
        "notes it",
    )
    best_by: BestBy = None


class GenreTraining(TrainingSettings):
    """Training settings with defaults for a few hundred movies: more epochs, smaller batches, best epoch kept."""

    epochs: Epochs = 30
    batch: Batch = 32
    weight_decay: WeightDecay = 0.01
    seeds: NetworkSeeds = (0,)
    best_by: BestBy = "macro AP"


class TagData(FileModel):
    """Locations of tagged videos. Paths are relative to the current folder, patterns to ``folder``."""

    format: Literal["csv", "tfrecord"] = Field(default="csv", description="`csv` or `tfrecord`")
    folder: Path = Field(description="folder of the data files")
    train: str = Field(default="train_*.csv*", description="file name pattern of the training videos")
    validation: str = Field(default="val_*.csv*", description="file name pattern of the validation videos")
    apply: str | None = Field(
        default=None,
        description="file name pattern of the videos to predict, which need no labels; by default the validation "
        "videos",
    )
    vocabulary: Path | None = Field(
        default=None,
        description="CSV with the names of the classes; without it, classes are named by their numbers",
    )
    cache: Path = Field(
        default=Path("runs/arrays"),
        description="folder of the memory-mapped arrays that the files are converted to once",
    )


class GenreData(FileModel):
    """Locations of frame embeddings and their genres."""

    embeddings: Path = Field(description="folder of ID.npy files, each float [N, width]")
    width: Positive = Field(default=512, description="length of an embedding")
    ids: Path = Field(description="list of ids, as .json, .txt (one per line) or .pkl")
    labels: Path = Field(description="map from ids to lists of zeros and ones, one per genre, as .json or .pkl")
    genres: Annotated[tuple[str, ...], AfterValidator(_differing)] = Field(
        default=(), description="names of the genres; without them, genres are numbered"
    )
    movie: str = Field(
        default="",
        description="regular expression that matches a whole id and whose first group is its movie; without it, each "
        "id is a movie of its own",
    )
    apply: Path | None = Field(
        default=None, description="folder of the embeddings to predict; by default the test videos"
    )


class GenreSplit(FileModel):
    """Split of the movies: by lists of ids, or at random by shares."""

    train: Path | None = Field(default=None, description="list of the training ids; give all three lists or none")
    validation: Path | None = Field(default=None, description="list of the validation ids")
    test: Path | None = Field(default=None, description="list of the test ids")
    validation_share: float = Field(default=0.15, gt=0, lt=1, description="share of the movies used for validation")
    test_share: float = Field(default=0.2, gt=0, lt=1, description="share of the movies used for testing")
    seed: Seed = Field(default=0, description="seed of the random split")


class MemorabilityData(FileModel):
    """Locations of clips and their features. A table that is not named is not used."""

    ground_truth: Path = Field(description="table of measured scores")
    captions: Path | None = Field(default=None, description="table of captions")
    audio: Path | None = Field(default=None, description="table of audio vectors")
    c3d: Path | None = Field(default=None, description="table of C3D vectors")
    raw: Path | None = Field(
        default=None,
        description="folder with `videos/`, `audios/` or `frames/`, from which features are computed",
    )
    encoder: Path | None = Field(default=None, description="ONNX image encoder for `raw`, with its card beside it")
    apply: Path | None = Field(
        default=None,
        description="list of the clips to predict, as .json, .txt (one per line) or .pkl; by default all clips of the "
        "tables",
    )


class MemorabilityModel(FileModel):
    """Candidate models, and how one of them is selected."""

    name: Literal["best", "captions-ridge", "captions-svr", "audio", "c3d", "frames", "fusion", "stacking"] = Field(
        default="best",
        description="`captions-ridge`, `captions-svr`, `audio`, `c3d`, `frames`, `fusion` or `stacking`; or `best`, "
        "which tries all that the data allow and keeps the best in the inner folds",
    )
    ridge: tuple[Penalty, ...] = Field(
        default=(1.0, 10.0, 100.0, 1000.0), min_length=1, description="candidate penalties of ridge regression"
    )
    svr: tuple[Penalty, ...] = Field(
        default=(0.03, 0.1, 0.3),
        min_length=1,
        description="candidate penalties C of the support vector regression of captions",
    )
    words: Positive = Field(default=2, description="minimum number of captions that contain a term of the vocabulary")
    folds: Folds = Field(
        default=5, description="number of folds, by movie, of the cross-validation that evaluates the model"
    )
    inner_folds: Folds = Field(
        default=5,
        description="number of folds, by movie, within the training clips, on which model and penalty are selected",
    )
    seed: Seed = Field(default=0, description="seed of the folds")


class TagSettings(FileModel):
    """Settings of the task ``tags``: multi-label classification of a video from one feature vector."""

    task: Literal["tags"] = Field(description="kind of these settings")
    run: RunFolder
    data: TagData
    model: TagModel = TagModel()
    training: TrainingSettings = TrainingSettings()


class GenreSettings(FileModel):
    """Settings of the task ``genres``: multi-label classification of a movie from the embeddings of its frames."""

    task: Literal["genres"] = Field(description="kind of these settings")
    run: RunFolder
    data: GenreData
    split: GenreSplit = GenreSplit()
    model: GenreModel = GenreModel()
    training: GenreTraining = GenreTraining()

    @field_validator("split")
    @classmethod
    def _all_lists_or_none(cls, split: GenreSplit) -> GenreSplit:
        given = [path is not None for path in (split.train, split.validation, split.test)]
        if any(given) and not all(given):
            raise ValueError("the lists train, validation and test go together")
        return split


class MemorabilitySettings(FileModel):
    """Settings of the task ``memorability``: one score per clip, from its captions, sound and images."""

    task: Literal["memorability"] = Field(description="kind of these settings")
    run: RunFolder
    data: MemorabilityData
    model: MemorabilityModel = MemorabilityModel()


Settings = TagSettings | GenreSettings | MemorabilitySettings
_KINDS: dict[str, type[TagSettings] | type[GenreSettings] | type[MemorabilitySettings]] = {
    "tags": TagSettings,
    "genres": GenreSettings,
    "memorability": MemorabilitySettings,
}


def load_settings(path: str | Path) -> Settings:
    """Reads the settings of a prediction task from a YAML file.

    Args:
        path: the file; its key ``task`` selects the kind of settings.

    Returns:
        Settings of the task ``tags``, ``genres`` or ``memorability``.

    Raises:
        PrerollError: the file cannot be read or is invalid; the message names the file, the key, its value and what
            is allowed.
    """
    content = load_yaml(Path(path))
    kind = content.get("task")
    if not isinstance(kind, str) or kind not in _KINDS:  # a list has no hash
        raise PrerollError(f"{path}: task: {kind!r}: {known(kind, 'must be one of', _KINDS)}")
    try:
        found: Settings = TypeAdapter(_KINDS[kind]).validate_python(content)
    except ValidationError as error:
        raise PrerollError(f"{path}: {explain(error)}") from None
    return found

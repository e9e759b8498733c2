"""What a YAML file of predictions may say, for each of the three tasks."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator

from preroll.errors import PrerollError
from preroll.yaml_config import explain, load_yaml

Share = Annotated[float, Field(ge=0, lt=1)]
Positive = Annotated[int, Field(ge=1)]
Folds = Annotated[int, Field(ge=2)]
Penalty = Annotated[float, Field(gt=0)]
# What every generator takes, scikit-learn's among them, and the number after it.
Seed = Annotated[int, Field(ge=0, lt=2**32 - 1)]


def _differing(values: tuple[Any, ...]) -> tuple[Any, ...]:
    if twice := [value for i, value in enumerate(values) if value in values[:i]]:
        raise ValueError(f"{twice[0]!r} stands twice")
    return values


Seeds = Annotated[tuple[Seed, ...], Field(min_length=1), AfterValidator(_differing)]


class Strict(BaseModel):
    """Unknown keys are errors, and nothing changes once it is read."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class TagModel(Strict):
    """A network of tags.

    Attributes:
        name: ``linear``, ``mlp``, ``gated`` or ``moe``.
        units: of the hidden layer of ``gated``.
        hidden: units of the two hidden layers of ``mlp``, as in the classic course network.
        experts: of each class of ``moe``.
        input_dropout: of the normalised features.
        dropout: of hidden units.
    """

    name: Literal["linear", "mlp", "gated", "moe"] = "gated"
    units: Positive = 1024
    hidden: tuple[Positive, Positive] = (2000, 3200)
    experts: Positive = 2
    input_dropout: Share = 0.4
    dropout: Share = 0.5


class GenreModel(Strict):
    """A model of genres.

    Attributes:
        name: ``bilstm``, ``attention``, ``mean-mlp`` or ``logistic``.
        units: of the hidden layer, or of the LSTM in each direction.
        dropout: before the last layer.
        patch: frames of a random crop in time, for training; at test as many patches as cover the video are averaged.
    """

    name: Literal["bilstm", "attention", "mean-mlp", "logistic"] = "attention"
    units: Positive = 128
    dropout: Share = 0.3
    patch: Positive = 64


class TrainingSettings(Strict):
    """How a network learns: AdamW, the rate rising for 15 % of the steps and then falling to 0.

    Attributes:
        epochs: passes over the training videos.
        batch: videos of a step.
        rate: the largest learning rate.
        weight_decay: of AdamW.
        seeds: a model for each; their mean predicts.
        bf16: whether to compute in bfloat16 where the processor does so natively; elsewhere float32 is used, and told.
        best_by: a metric of the validation videos whose best epoch is kept; without one the last is.
    """

    epochs: Positive = 12
    batch: Positive = 128
    rate: Annotated[float, Field(gt=0)] = 1.5e-3
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    seeds: Seeds = (0, 1, 2)
    bf16: bool = False
    best_by: str | None = None


class GenreTraining(TrainingSettings):
    """The same with defaults for some hundred movies: more epochs of smaller steps, of which the best is kept."""

    epochs: Positive = 30
    batch: Positive = 32
    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    seeds: Seeds = (0,)
    best_by: str | None = "macro AP"


class TagData(Strict):
    """Where tagged videos are. Paths are relative to the current folder; patterns to ``folder``.

    Attributes:
        format: ``csv`` or ``tfrecord``.
        folder: of the files.
        train, validation: patterns of file names.
        apply: pattern of the files to predict, which need no labels; the validation's without it.
        vocabulary: CSV with the classes' names; without it they are called by their numbers.
        cache: folder of the arrays that the files are converted to, once.
    """

    format: Literal["csv", "tfrecord"] = "csv"
    folder: Path
    train: str = "train_*.csv*"
    validation: str = "val_*.csv*"
    apply: str | None = None
    vocabulary: Path | None = None
    cache: Path = Path("runs/arrays")


class GenreData(Strict):
    """Where embeddings are, and what genres they have.

    Attributes:
        embeddings: folder of ID.npy, each float [N, width].
        width: of an embedding.
        ids: list of ids, as .json, .txt (one a line) or .pkl.
        labels: map id → zeros and ones, one per genre, as .json or .pkl.
        genres: their names; without it they are numbered.
        movie: regular expression whose first group is an id's movie; without it each id is a movie of its own.
        apply: folder of the embeddings to predict; the test's videos without it.
    """

    embeddings: Path
    width: Positive = 512
    ids: Path
    labels: Path
    genres: Annotated[tuple[str, ...], AfterValidator(_differing)] = ()
    movie: str = ""
    apply: Path | None = None


class GenreSplit(Strict):
    """How movies are split: by lists of ids, or at random by shares.

    Attributes:
        train, validation, test: lists of ids; all three or none.
        validation_share, test_share: of the movies.
        seed: of the shuffle.
    """

    train: Path | None = None
    validation: Path | None = None
    test: Path | None = None
    validation_share: Annotated[float, Field(gt=0, lt=1)] = 0.15
    test_share: Annotated[float, Field(gt=0, lt=1)] = 0.2
    seed: Seed = 0


class MemorabilityData(Strict):
    """Where clips are. A table that is not named is not used.

    Attributes:
        ground_truth: scores.
        captions, audio, c3d: features of the clips.
        raw: folder with ``videos/*.mp4``, ``audios/*.wav`` or ``frames/``, from which features are computed.
        encoder: ONNX image encoder for ``raw``, with its card beside it.
        apply: clips to predict by name, one a line; all clips of the tables without it.
    """

    ground_truth: Path
    captions: Path | None = None
    audio: Path | None = None
    c3d: Path | None = None
    raw: Path | None = None
    encoder: Path | None = None
    apply: Path | None = None


class MemorabilityModel(Strict):
    """What is tried, and how it is chosen.

    Attributes:
        name: ``best`` tries all others and keeps the best in the inner folds; or one of them.
        ridge: penalties that are tried.
        svr: penalties C of the support vector regression of captions that are tried.
        words: terms must stand in this many clips.
        folds, inner_folds: of the movies.
        seed: of the folds.
    """

    name: Literal["best", "captions-ridge", "captions-svr", "audio", "c3d", "frames", "fusion", "stacking"] = "best"
    ridge: Annotated[tuple[Penalty, ...], Field(min_length=1)] = (1.0, 10.0, 100.0, 1000.0)
    svr: Annotated[tuple[Penalty, ...], Field(min_length=1)] = (0.03, 0.1, 0.3)
    words: Positive = 2
    folds: Folds = 5
    inner_folds: Folds = 5
    seed: Seed = 0


class TagSettings(Strict):
    """Tags: many labels a video, from one feature vector."""

    task: Literal["tags"]
    run: Path
    data: TagData
    model: TagModel = TagModel()
    training: TrainingSettings = TrainingSettings()


class GenreSettings(Strict):
    """Genres: many labels a movie, from the embeddings of its frames."""

    task: Literal["genres"]
    run: Path
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


class MemorabilitySettings(Strict):
    """Memorability: one score a clip, from what it shows, says and sounds like."""

    task: Literal["memorability"]
    run: Path
    data: MemorabilityData
    model: MemorabilityModel = MemorabilityModel()


Settings = TagSettings | GenreSettings | MemorabilitySettings
_KINDS: dict[str, type[TagSettings] | type[GenreSettings] | type[MemorabilitySettings]] = {
    "tags": TagSettings,
    "genres": GenreSettings,
    "memorability": MemorabilitySettings,
}


def load_settings(path: Path) -> Settings:
    """Reads a YAML file of predictions.

    Raises:
        PrerollError: naming the file, the key, its value and what is allowed.
    """
    content = load_yaml(path)
    kind = content.get("task")
    if kind not in _KINDS:
        raise PrerollError(f"{path}: task: {kind!r}: must be one of {', '.join(_KINDS)}")
    try:
        found: Settings = TypeAdapter(_KINDS[kind]).validate_python(content)
    except ValidationError as error:
        raise PrerollError(f"{path}: {explain(error)}") from None
    return found

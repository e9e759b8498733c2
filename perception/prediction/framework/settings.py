"""Settings of the three prediction tasks, as read from YAML.

The ``Attributes:`` of these classes become the tables of docs/predictions.md (see
:mod:`~preroll.perception.prediction.framework.settings_table`).
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator

from preroll.errors import PrerollError
from preroll.yaml_config import explain, load_yaml

Share = Annotated[float, Field(ge=0, lt=1)]
Positive = Annotated[int, Field(ge=1)]
Folds = Annotated[int, Field(ge=2)]
Penalty = Annotated[float, Field(gt=0)]
# scikit-learn accepts seeds up to 2**32 - 1; the inner folds of memorability use seed + 1.
Seed = Annotated[int, Field(ge=0, lt=2**32 - 1)]


def _differing(values: tuple[Any, ...]) -> tuple[Any, ...]:
    if twice := [value for i, value in enumerate(values) if value in values[:i]]:
        raise ValueError(f"{twice[0]!r} stands twice")
    return values


Seeds = Annotated[tuple[Seed, ...], Field(min_length=1), AfterValidator(_differing)]


class Strict(BaseModel):
    """Base class of all settings: immutable, and unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class TagModel(Strict):
    """Architecture of the tag network.

    Attributes:
        name: ``linear``, ``mlp``, ``gated`` or ``moe``.
        units: units of the hidden layer of ``gated``.
        hidden: units of the two hidden layers of ``mlp``, as in the classic course network.
        experts: experts per class of ``moe``.
        input_dropout: dropout rate of the normalised features.
        dropout: dropout rate of hidden units.
    """

    name: Literal["linear", "mlp", "gated", "moe"] = "gated"
    units: Positive = 1024
    hidden: tuple[Positive, Positive] = (2000, 3200)
    experts: Positive = 2
    input_dropout: Share = 0.4
    dropout: Share = 0.5


class GenreModel(Strict):
    """Architecture of the genre network.

    Attributes:
        name: ``bilstm``, ``attention``, ``mean-mlp`` or ``logistic``.
        units: units of the hidden layer, or of the LSTM in each direction.
        dropout: dropout rate before the last layer; for ``attention``, of the hidden units.
        patch: frames of a random crop in time during training; at test, the patches that cover the video are averaged.
    """

    name: Literal["bilstm", "attention", "mean-mlp", "logistic"] = "attention"
    units: Positive = 128
    dropout: Share = 0.3
    patch: Positive = 64


class TrainingSettings(Strict):
    """Training of a network by AdamW, with a learning rate that rises for 15 % of the steps and then falls to 0.

    Attributes:
        epochs: passes over the training videos.
        batch: videos per step.
        rate: maximum learning rate.
        weight_decay: weight decay of AdamW.
        seeds: one network is trained per seed; predictions are their mean.
        bf16: whether to compute in bfloat16; a processor without native support uses float32, and the report notes it.
        best_by: validation metric whose best epoch is kept; without it, the last epoch is kept.
    """

    epochs: Positive = 12
    batch: Positive = 128
    rate: Annotated[float, Field(gt=0)] = 1.5e-3
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    seeds: Seeds = (0, 1, 2)
    bf16: bool = False
    best_by: str | None = None


class GenreTraining(TrainingSettings):
    """Training settings with defaults for a few hundred movies: more epochs, smaller batches, best epoch kept."""

    epochs: Positive = 30
    batch: Positive = 32
    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    seeds: Seeds = (0,)
    best_by: str | None = "macro AP"


class TagData(Strict):
    """Locations of tagged videos. Paths are relative to the current folder, patterns to ``folder``.

    Attributes:
        format: ``csv`` or ``tfrecord``.
        folder: folder of the data files.
        train: file name pattern of the training videos.
        validation: file name pattern of the validation videos.
        apply: file name pattern of the videos to predict, which need no labels; by default the validation videos.
        vocabulary: CSV with the names of the classes; without it, classes are named by their numbers.
        cache: folder of the memory-mapped arrays that the files are converted to once.
    """

    format: Literal["csv", "tfrecord"] = "csv"
    folder: Path
    train: str = "train_*.csv*"
    validation: str = "val_*.csv*"
    apply: str | None = None
    vocabulary: Path | None = None
    cache: Path = Path("runs/arrays")


class GenreData(Strict):
    """Locations of frame embeddings and their genres.

    Attributes:
        embeddings: folder of ID.npy files, each float [N, width].
        width: length of an embedding.
        ids: list of ids, as .json, .txt (one per line) or .pkl.
        labels: map from ids to lists of zeros and ones, one per genre, as .json or .pkl.
        genres: names of the genres; without them, genres are numbered.
        movie: regular expression that matches a whole id and whose first group is its movie; without it, each id is a
            movie of its own.
        apply: folder of the embeddings to predict; by default the test videos.
    """

    embeddings: Path
    width: Positive = 512
    ids: Path
    labels: Path
    genres: Annotated[tuple[str, ...], AfterValidator(_differing)] = ()
    movie: str = ""
    apply: Path | None = None


class GenreSplit(Strict):
    """Split of the movies: by lists of ids, or at random by shares.

    Attributes:
        train, validation, test: list of the ids of this part; give all three lists or none.
        validation_share: share of the movies used for validation.
        test_share: share of the movies used for testing.
        seed: seed of the random split.
    """

    train: Path | None = None
    validation: Path | None = None
    test: Path | None = None
    validation_share: Annotated[float, Field(gt=0, lt=1)] = 0.15
    test_share: Annotated[float, Field(gt=0, lt=1)] = 0.2
    seed: Seed = 0


class MemorabilityData(Strict):
    """Locations of clips and their features. A table that is not named is not used.

    Attributes:
        ground_truth: table of measured scores.
        captions: table of captions.
        audio: table of audio vectors.
        c3d: table of C3D vectors.
        raw: folder with ``videos/``, ``audios/`` or ``frames/``, from which features are computed.
        encoder: ONNX image encoder for ``raw``, with its card beside it.
        apply: list of the clips to predict, as .json, .txt (one per line) or .pkl; by default all clips of the tables.
    """

    ground_truth: Path
    captions: Path | None = None
    audio: Path | None = None
    c3d: Path | None = None
    raw: Path | None = None
    encoder: Path | None = None
    apply: Path | None = None


class MemorabilityModel(Strict):
    """Candidate models, and how one of them is selected.

    Attributes:
        name: ``captions-ridge``, ``captions-svr``, ``audio``, ``c3d``, ``frames``, ``fusion`` or ``stacking``; or
            ``best``, which tries all that the data allow and keeps the best in the inner folds.
        ridge: candidate penalties of ridge regression.
        svr: candidate penalties C of the support vector regression of captions.
        words: minimum number of captions that contain a term of the vocabulary.
        folds: number of folds, by movie, of the cross-validation that evaluates the model.
        inner_folds: number of folds, by movie, within the training clips, on which model and penalty are selected.
        seed: seed of the folds.
    """

    name: Literal["best", "captions-ridge", "captions-svr", "audio", "c3d", "frames", "fusion", "stacking"] = "best"
    ridge: Annotated[tuple[Penalty, ...], Field(min_length=1)] = (1.0, 10.0, 100.0, 1000.0)
    svr: Annotated[tuple[Penalty, ...], Field(min_length=1)] = (0.03, 0.1, 0.3)
    words: Positive = 2
    folds: Folds = 5
    inner_folds: Folds = 5
    seed: Seed = 0


class TagSettings(Strict):
    """Settings of the task ``tags``: multi-label classification of a video from one feature vector."""

    task: Literal["tags"]
    run: Path
    data: TagData
    model: TagModel = TagModel()
    training: TrainingSettings = TrainingSettings()


class GenreSettings(Strict):
    """Settings of the task ``genres``: multi-label classification of a movie from the embeddings of its frames."""

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
    """Settings of the task ``memorability``: one score per clip, from its captions, sound and images."""

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
    """Reads the settings of a prediction task from a YAML file.

    Args:
        path: the file; its key ``task`` selects the kind of settings.

    Returns:
        Settings of the task ``tags``, ``genres`` or ``memorability``.

    Raises:
        PrerollError: the file cannot be read or is invalid; the message names the file, the key, its value and what
            is allowed.
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

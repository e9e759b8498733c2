"""Model cards: preprocessing, output format and provenance of an ONNX network.

A card is a JSON file. It is given explicitly, lies beside the model (``NAME.onnx`` → ``NAME.json``), or is one of the
cards of this package, looked up by the sha256 of the model.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    field_validator,
    model_serializer,
    model_validator,
)

from preroll.bounded import limits
from preroll.bounded.readers import parse_json, read_text
from preroll.errors import PrerollError
from preroll.files.hashing import sha256_of
from preroll.files.names import beside
from preroll.perception.onnx_models.card_fields import (
    AxisOrder,
    Bins,
    BoxFormat,
    BoxUnits,
    CellCenter,
    Channels,
    Columns,
    FrameFit,
    InputSize,
    Mean,
    NumberType,
    Pad,
    PadPlace,
    Scale,
    Share,
    Strides,
    Transposed,
    check_columns,
)
from preroll.shown.card import Card as ShownCard
from preroll.shown.shown import Shown
from preroll.yaml_config import FileModel

FOLDER = Path(__file__).parent / "cards"
EMBEDDED = Path(__file__).parent / "shipped" / "objects.onnx"
EMBEDDED_SEGMENTER = Path(__file__).parent / "shipped" / "segmenter.onnx"


class Card(Shown, FileModel):
    """Base class of the cards of all networks, with the fields that the supervisors of workers need.

    Attributes:
        job: the kind of job that a worker runs with such a network.
        later: fields that earlier versions lack, with their defaults, at which they are not written: manifests contain
            hashes of cards, which must stay.
    """

    job: ClassVar[str]
    later: ClassVar[Mapping[str, Any]] = {"embedding": None, "pool": None, "logit_scale": None, "logit_bias": 0.0}

    name: str = Field(description="name of the network")
    sha256: str = Field(pattern="^[0-9a-f]{64}$", description="hash of the ONNX file that the card describes")
    embedding: str | None = Field(
        default=None, description="name of the output that contains a vector for each frame, [n, d] or [n, tokens, d]"
    )
    pool: Literal["first", "mean"] | None = Field(
        default=None, description="what becomes of the tokens of [n, tokens, d]: the `first` is taken, or their `mean`"
    )
    logit_scale: Annotated[float, Field(gt=0, le=1e6)] | None = Field(
        default=None,
        description="of an encoder with a text encoder: the logit of a word is logit_scale · cosine + logit_bias",
    )
    logit_bias: float = Field(default=0.0, ge=-1e6, le=1e6, description="see logit_scale")

    def _card(self) -> ShownCard:
        """Returns what is not as by default."""
        whole, said = super()._card(), self.model_dump(exclude_defaults=True)
        facts = {name: value for name, value in whole.facts.items() if name.replace(" ", "_") in said}
        return ShownCard(f"Model card {self.name}", facts)

    @model_serializer(mode="wrap")
    def _without_what_does_not_apply(self, default: SerializerFunctionWrapHandler) -> dict[str, Any]:
        written: dict[str, Any] = default(self)
        return {
            key: value
            for key, value in written.items()
            if key not in self.later or getattr(self, key) != self.later[key]
        }


class ModelCard(Card):
    """Preprocessing and output format of a detector.

    A pixel p of 0 … 255 is passed to the network as (p − mean) · scale, channel by channel.

    Examples:
        >>> from preroll.perception import ModelCard
        >>> card = ModelCard(
        ...     name="pets",
        ...     sha256="0" * 64,  # of pets.onnx
        ...     decoder="classifier",
        ...     input_size=(224, 224),
        ...     fit="crop",
        ...     channels="RGB",
        ...     dtype="float32",
        ...     layout="NCHW",
        ...     activation="softmax",
        ...     outputs="logits",
        ...     classes=("cat, house cat", "dog"),
        ... )
        >>> card.classes, card.finds_objects
        (('cat', 'dog'), False)
    """

    job: ClassVar[str] = "detect"
    later: ClassVar[Mapping[str, Any]] = {
        **Card.later,
        **dict.fromkeys(("top", "output", "masks", "columns", "box_format", "box_units"), None),
        **dict.fromkeys(("strides", "cell_center", "bins"), None),
        "background": "none",
        "transposed": (),
    }

    name: str = Field(min_length=1, description="name of the detector")
    decoder: Literal["classifier", "boxes", "yolox", "yolo-seg", "maskrcnn", "semantic"] = Field(
        description="output format: `classifier` (one score per class and frame), or, with one row per object, `boxes` "
        "(in the layout that `columns` describes), `yolox` (boxes on grids of stride 8, 16 and 32), `yolo-seg` (boxes "
        "with mask coefficients, and mask prototypes), `maskrcnn` (boxes, labels, scores and masks) or `semantic` (one "
        "score per class and pixel)"
    )
    input_size: InputSize
    fit: FrameFit
    pad: Pad = 114
    pad_place: PadPlace = "center"
    channels: Channels
    mean: Mean = (0.0, 0.0, 0.0)
    scale: Scale = (1.0, 1.0, 1.0)
    dtype: NumberType
    layout: AxisOrder
    activation: Literal["softmax", "sigmoid"] = Field(
        description="`softmax` (mutually exclusive classes: only the best class of a frame is reported) or `sigmoid` "
        "(every class above the threshold is reported)"
    )
    outputs: Literal["probabilities", "logits", "labels"] = Field(
        description="whether the network returns `probabilities` or `logits`, to which the activation is still to be "
        "applied; for `semantic` also `labels`, the number of the class of each pixel"
    )
    output: str | None = Field(
        default=None,
        description="name of the output that is read, for `classifier`, `yolox` and `semantic`; the first by default",
    )
    columns: Columns = None
    transposed: Transposed = ()
    box_format: BoxFormat = None
    box_units: BoxUnits = None
    strides: Strides = None
    cell_center: CellCenter = None
    bins: Bins = None
    masks: Literal["input", "box"] | None = Field(
        default=None,
        description="for `maskrcnn`: whether a mask lies over the whole `input` or over the `box` of its object; "
        "must be said where masks have not the size of the input",
    )
    top: Annotated[int, Field(ge=1)] | None = Field(
        default=None,
        description="largest number of classes per frame that a classifier reports; by default one with `softmax` and "
        "any number with `sigmoid`",
    )
    background: Literal["none", "first", "last"] = Field(
        default="none",
        description='position of an additional class for "no object", which `classes` does not name; for `semantic` '
        "and `maskrcnn`",
    )
    score_threshold: Share = Field(default=0.25, description="smallest confidence that is reported")
    iou_threshold: Share = Field(
        default=0.45, description="intersection over union above which two boxes are the same object"
    )
    min_area: float = Field(default=0.3, ge=0, le=100, description="smallest area of an object [% of the image]")
    classes: tuple[str, ...] = Field(
        min_length=1,
        description="names in the order of the network's outputs; of several comma-separated synonyms the first is "
        "used",
    )
    description: str = Field(default="", description="purpose of the network")
    source: str = Field(default="", description="origin of the network")
    license: str = Field(default="", description="license of the network's weights")
    metrics: dict[str, Any] = Field(default={}, description="measured values, such as precision and recall")
    training: dict[str, Any] = Field(default={}, description="provenance: the command, the seed, the data")

    @field_validator("classes")
    @classmethod
    def _first_synonym(cls, classes: tuple[str, ...]) -> tuple[str, ...]:
        names = tuple(name.split(",")[0].strip() for name in classes)
        if not all(names):
            raise ValueError(f"class {names.index('')} has no name")
        return _distinct(names, classes)

    @model_validator(mode="after")
    def _fields_fit(self) -> Self:
        if self.dtype == "uint8" and (any(self.mean) or self.scale != (1.0, 1.0, 1.0)):
            raise ValueError("an input of dtype uint8 takes no mean or scale: the network normalises its input itself")
        if self.channels == "gray" and (len(set(self.mean)) > 1 or len(set(self.scale)) > 1):
            raise ValueError("the one channel of gray takes the same mean and scale three times")
        for field, decoders in _ONLY_FOR.items():
            if getattr(self, field) != type(self).model_fields[field].default and self.decoder not in decoders:
                raise ValueError(f"{field} {_text(getattr(self, field))} is for the decoder {' or '.join(decoders)}")
        if self.outputs == "labels" and self.decoder != "semantic":
            raise ValueError("outputs labels is for the decoder semantic")
        if self.decoder == "boxes":
            if not self.columns:
                raise ValueError("the decoder boxes needs columns, which say what the numbers of each output are")
            check_columns(self.columns, dict(self), len(self.classes))
            if odd := sorted(set(self.transposed) - set(self.columns)):
                raise ValueError(f"transposed names {odd[0]!r}, which columns do not name")
        return self

    @property
    def finds_objects(self) -> bool:
        """Whether the network locates objects, one row per object, rather than only classifying frames."""
        return self.decoder != "classifier"


#: Fields added later, and the decoders that they are for.
_BOX_FIELDS = ("columns", "transposed", "box_format", "box_units", "strides", "cell_center", "bins")
_ONLY_FOR = {
    "top": ("classifier",),
    "background": ("semantic", "maskrcnn", "boxes"),
    "output": ("classifier", "yolox", "semantic"),
    "masks": ("maskrcnn",),
    **dict.fromkeys(_BOX_FIELDS, ("boxes",)),
}


def _text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple | dict) else str(value)


def _distinct(names: tuple[str, ...], classes: tuple[str, ...]) -> tuple[str, ...]:
    """Appends numbers to names shared by several classes: ImageNet has two cranes, a bird and a machine."""
    seen: dict[str, int] = {}
    result = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        result.append(name if seen[name] == 1 else f"{name} {seen[name]}")
    if len(set(result)) != len(result):
        repeated = sorted({name for name in result if result.count(name) > 1})
        raise ValueError(f"classes must differ from each other; repeated: {', '.join(repeated)} (of {len(classes)})")
    return tuple(result)


def read_card(path: Path) -> ModelCard:
    """Reads a model card from a JSON file.

    Raises:
        PrerollError: naming the file and the first key that is missing, unknown or invalid.
    """
    try:
        return parse_card(read_text(path, limits.CARD_TEXT), path)
    except (OSError, ValueError) as error:
        raise PrerollError(f"model card {path}: cannot be read: {error}") from None


def parse_card(text: str, path: Path) -> ModelCard:
    """Parses and checks the text of a model card; ``path`` is used in error messages only."""
    try:
        content = parse_json(text, limits.CARD_TEXT)
    except ValueError as error:
        raise PrerollError(f"model card {path}: not valid JSON: {error}") from None
    try:
        return ModelCard.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "the card"
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise PrerollError(f"model card {path}: {key}: {first['msg']}{more}") from None


def find_card(model: Path, card: Path | None = None) -> ModelCard:
    """Finds the card of an ONNX model and checks that it describes this very file.

    Args:
        model: the ONNX file.
        card: the card's file; by default the one beside the model, else the package's card with the model's sha256.

    Raises:
        PrerollError: if the model or its card is missing, or the card is for another file.
    """
    if not model.is_file():
        raise PrerollError(
            f"detector {model}: no such file; it must be an ONNX model, or a name of `preroll detector list`"
        )
    digest = sha256_of(model)
    own = beside(model, ".json")
    if card is not None or own.is_file():
        chosen = card or own
        found = read_card(chosen)
        if found.sha256 != digest:
            raise PrerollError(
                f"model card {chosen}: sha256 {found.sha256[:12]}… is of another file; {model.name} has {digest[:12]}…"
            )
        return found
    known = committed_cards()
    if digest not in known:
        names = ", ".join(sorted(entry.name for entry in known.values()))
        raise PrerollError(
            f"detector {model}: no model card: `preroll detector card {model.name} --classes FILE` writes one, or give"
            f" one with --card FILE (known by their sha256: {names})"
        )
    return known[digest]


def committed_cards() -> dict[str, ModelCard]:
    """Returns the cards of this package, keyed by the sha256 of the model that they describe."""
    cards = [read_card(path) for path in sorted(FOLDER.glob("*.json"))]
    return {card.sha256: card for card in cards}

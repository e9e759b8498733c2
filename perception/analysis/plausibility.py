"""Plausibility of what a network's outputs say: where its boxes lie, and whether its scores are any."""

import numpy as np
from numpy.typing import NDArray

from preroll.console.plural import percent
from preroll.errors import PrerollError
from preroll.perception.analysis.detector import BOXES, Detector
from preroll.perception.decoders.nms import Candidates
from preroll.perception.onnx_models.model_card import ModelCard
from preroll.perception.video.resize import Pixels

#: So many boxes of a picture are judged, those of the highest scores: also a network that knows nothing in the
#: pictures places them where its layout says.
_JUDGED = 20
#: Shares of them that may end before they begin, lie far outside, or be specks: honest networks have a few.
_FLIPPED, _OUTSIDE, _SPECKS = 0.05, 0.2, 0.5
#: A score beyond [0, 1] by more than rounding.
_ROUNDING = 1e-3


def oddities(detector: Detector, frames: list[Pixels]) -> list[str]:
    """Judges the places and scores of the surest boxes in frames of the input's size.

    Returns:
        One line for each oddity; an empty list for a network that returns something else than boxes.
    """
    if detector.card.decoder not in BOXES:
        return []
    try:
        given = [detector.candidates([frame]) for frame in frames]
    except PrerollError as error:
        return [str(error).removeprefix(f"detector {detector.model}: ")]
    result = _score_oddities(given, detector.card)
    surest = np.concatenate([_surest(one) for one in given])
    if not len(surest):
        return [*result, "no box has a score above 0"]
    height, width = detector.card.input_size
    sides = surest[:, 2:] - surest[:, :2]
    slack = np.array([width, height]) / 10
    far = (surest[:, :2] < -slack) | (surest[:, 2:] > np.array([width, height]) + slack)
    for share, most, what in (
        ((sides <= 0).any(1).mean(), _FLIPPED, "end before they begin"),
        (far.any(1).mean(), _OUTSIDE, "lie outside the frame"),
        ((np.abs(sides) < max(2, width / 100, height / 100)).all(1).mean(), _SPECKS, "are no more than specks"),
    ):
        if share > most:
            result.append(f"{percent(share, 0)} of the surest boxes {what}")
    return result


def _score_oddities(given: list[Candidates], card: ModelCard) -> list[str]:
    low = min(float(one.scores.min(initial=0)) for one in given)
    high = max(float(one.scores.max(initial=0)) for one in given)
    if low >= -_ROUNDING and high <= 1 + _ROUNDING:
        return []
    hint = "; say --outputs logits" if card.outputs == "probabilities" and low < 0 else ""
    return [f"scores go from {low:.3g} to {high:.3g}, so they are no probabilities{hint}"]


def _surest(given: Candidates) -> NDArray[np.float32]:
    """Returns the corners of the boxes with the highest scores of one frame, [k, 4]."""
    score = given.scores[0].max(1, initial=0)
    order = np.argsort(-score, kind="stable")[:_JUDGED]
    corners: NDArray[np.float32] = given.corners[0][order[score[order] > 0]]
    return corners

"""A video of YouTube-8M, independent of the file format."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: Number of classes of the vocabulary.
CLASSES = 3862
#: Lengths of the two parts of a video's feature vector.
VISUAL, AUDIO = 1024, 128
FEATURES = VISUAL + AUDIO


@dataclass(frozen=True)
class Tagged:
    """A video with its tags.

    Attributes:
        id: id of the video, unique within a data set.
        labels: int32, class numbers of its tags in 0 … 3861, in increasing order.
        features: float32 [1152]: 1024 visual, then 128 audio features.
        where: file and record, for error messages.
    """

    id: str
    labels: NDArray[np.int32]
    features: NDArray[np.float32]
    where: str = "tags"

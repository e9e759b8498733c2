"""One video of YouTube-8M, whatever file it came from."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: Classes of the vocabulary, and the length of the two parts of a video's feature vector.
CLASSES = 3862
VISUAL, AUDIO = 1024, 128
FEATURES = VISUAL + AUDIO


@dataclass(frozen=True)
class Tagged:
    """A video with its tags.

    Attributes:
        id: names it; unique within a data set.
        labels: int32, the numbers of its tags, in 0 … 3861, rising.
        features: float32 [1152]: 1024 visual, then 128 audio numbers.
        where: file and record, to tell what is wrong with it.
    """

    id: str
    labels: NDArray[np.int32]
    features: NDArray[np.float32]
    where: str = "tags"

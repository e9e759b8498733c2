"""Statistics of decoding one video, and the error of a file that yields no frame."""

from dataclasses import dataclass
from fractions import Fraction

FRAMES_PER_SECOND = 3


class UnreadableError(Exception):
    """Raised for a file that yields no frame; ``status`` is ``unreadable``, ``damaged`` or ``encrypted``."""

    def __init__(self, status: str, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass
class Decoding:
    """Statistics of decoding a video; complete when its samples are exhausted.

    Attributes:
        frames: number of decoded frames.
        corrupt: number of frames that the decoder itself flagged as damaged, or that refer to a lost one.
        packets: number of packets that were read.
        lost: number of packets of which no frame came.
        gaps: number of places at which packets of a transport stream are missing.
        seconds: decoded presentation time [s].
        expected: presentation time that the container declares [s]; None if it declares none.
        late: time before the first frame of which packets were read, and no frame came [s].
        cut: time for which frames are held beyond the longest hold, which was not sampled [s].
        step: duration of a frame if nothing else determines it [s].
        told: what the decoder said of the first lost packet.
        error: the error that stopped decoding; empty if it reached the end.
    """

    frames: int = 0
    corrupt: int = 0
    packets: int = 0
    lost: int = 0
    gaps: int = 0
    seconds: Fraction = Fraction(0)
    expected: Fraction | None = None
    late: Fraction = Fraction(0)
    cut: Fraction = Fraction(0)
    step: Fraction = Fraction(1, FRAMES_PER_SECOND)
    told: str = ""
    error: str = ""

    @property
    def coverage(self) -> float | None:
        """Share of the declared time that was decoded, in [0, 1]; None if none was declared."""
        if not self.expected:
            return None
        return min(1.0, max(0.0, float((self.seconds - self.lost * self.step) / self.expected)))

    @property
    def missing(self) -> Fraction:
        """Declared time that was not decoded [s]."""
        return max(Fraction(0), (self.expected or Fraction(0)) - self.seconds - self.cut)

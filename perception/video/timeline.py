"""Presentation time of the frames of a video, across the seams of what was laid end to end."""

from fractions import Fraction

import av
from av import VideoFrame

#: Longest time that a frame is held on screen [s], so that one wrong timestamp does not yield millions of samples.
LONGEST_HOLD = Fraction(600)
#: In a transport or program stream, frames are not that far apart [s]: there the clock itself has jumped.
LONGEST_GAP = Fraction(60)
#: Frames come in order; one that is earlier than its predecessor by more than so many begins another part.
_DISORDER = 4


class Timeline:
    """Time in integer units of the stream's time base: fractions would dominate the cost per frame.

    Parts laid end to end begin their time again, or anywhere; it goes on by one frame.

    Attributes:
        base: the unit [s].
        step: units from a frame to the next, if that has no timestamp.
        time: time of the latest frame since the first.
        seams: number of places at which time began again.
        cut: units for which frames are held beyond :data:`LONGEST_HOLD`.
        late: units from the first packet to the first frame.
        begins: where in the file packets stand at which time began again [bytes].
    """

    def __init__(self, base: Fraction, step: Fraction, *, jumps: bool = False) -> None:
        """Begins at zero.

        Args:
            base: the unit [s].
            step: duration of a frame [s].
            jumps: whether the container is one whose clock may jump ahead.
        """
        self.base = base
        self.step = max(1, round(step / base))
        self._frame = step
        self.time = -self.step
        self.seams, self.cut, self.late = 0, 0, 0
        self.begins: set[int | None] = set()
        self._zero: int | None = None
        self._earliest: int | None = None
        self._end: int | None = None
        self._read: int | None = None
        #: Damaged packets give frames in disorder too; what was laid end to end begins again where it is decoded.
        self._begun_again = False
        self._back = -_DISORDER * self.step
        self._hold = int(LONGEST_HOLD / base)
        self._gap = int(LONGEST_GAP / base) if jumps else None

    def tell(self, frame: VideoFrame) -> int:
        """Returns the time of the next frame, extrapolated if it has no timestamp."""
        pts = frame.pts
        if pts is None:
            time = self.time + self.step
        else:
            if self._zero is None:
                self._begin(pts)
            time = pts - (self._zero or 0)
            ahead = time - self.time
            if (
                (ahead < self._back and self._begun_again)
                or ahead > self._hold
                or (self._gap is not None and ahead > self._gap)
            ):
                time = self._across(ahead)
        # Frames arrive in presentation order; one with an earlier timestamp is shown immediately.
        self.time = max(time, self.time, 0)
        return self.time

    def read(self, packet: "av.Packet[av.VideoStream]") -> None:
        """Notes a packet: only packets show where a video ends if its last frames are skipped or lost."""
        pts, dts = packet.pts, packet.dts
        if pts is None or dts is None:
            self._begun_again = True  # for all that is known
        if pts is None or packet.is_discard:
            return
        if dts is not None:
            if self._read is not None and not 0 <= dts - self._read <= (self._gap or self._hold):
                self._end, self._begun_again = None, True
                self.begins.add(packet.pos)
            self._read = dts
        if self._zero is None and (self._earliest is None or pts < self._earliest):
            self._earliest = pts
        end = pts + (packet.duration or self.step)
        if self._end is None or end > self._end:
            self._end = end

    def end(self, last: VideoFrame) -> Fraction:
        """Returns the time at which the last frame ends [s]."""
        hold = last.duration or 0
        if hold <= 0:
            ends = self.time * self.base + self._frame
        else:
            # The fields of a frame may come in a packet each, with half of its duration.
            ends = (self.time + (max(hold, self.step) if last.interlaced_frame else hold)) * self.base
        if self._end is not None and self._zero is not None and self._end - self._zero - self.time <= self._hold:
            ends = max(ends, (self._end - self._zero) * self.base)
        return self.held_until(ends)

    def held_until(self, ends: Fraction) -> Fraction:
        """Returns the end of the last frame [s], at most that of the longest hold."""
        return min(ends, self.time * self.base + LONGEST_HOLD)

    def _begin(self, pts: int) -> None:
        self._zero = pts
        self.late = max(0, pts - (pts if self._earliest is None else self._earliest))

    def _across(self, ahead: int) -> int:
        """Moves the zero so that the next frame follows the latest, and returns its time."""
        if ahead < 0 or self._gap is not None:
            self.seams += 1
            self._begun_again = False
            wanted = self.step
        else:
            self.cut += ahead - self._hold
            wanted = self._hold
        self._zero = (self._zero or 0) + ahead - wanted
        return self.time + wanted

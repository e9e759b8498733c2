"""Where the time of a training goes: CPU-seconds of every phase of the loop."""

import time

#: Tags that a run writes beside its curves. They are no part of the curve, which is the same whenever it is repeated.
TIME_TAGS: dict[str, str] = {
    "time/environment": "share of the CPU time spent in playing slots [%]",
    "time/forward": "… in choosing ads [%]",
    "time/update": "… in learning [%]",
    "time/other": "… in keeping books, curves and checkpoints [%]",
    "time/cpu_seconds": "CPU-seconds of all four so far",
}
PHASES = ("environment", "forward", "update", "other")


class TimeShares:
    """Adds up the CPU time of this process by phase; a phase is named when it is over.

    Attributes:
        seconds: CPU-seconds of every phase of :data:`PHASES`.
    """

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(PHASES, 0.0)
        self._since = time.process_time()

    def spent_on(self, phase: str) -> None:
        """Books the time since the last call on ``phase``."""
        now = time.process_time()
        self.seconds[phase] += now - self._since
        self._since = now

    @property
    def total(self) -> float:
        """CPU-seconds of all phases."""
        return sum(self.seconds.values())

    def percent(self) -> dict[str, float]:
        """Share of every phase [%]; 0 before anything was booked."""
        return {phase: 100 * spent / max(self.total, 1e-300) for phase, spent in self.seconds.items()}

    def tags(self) -> dict[str, float]:
        """Numbers for TensorBoard, as :data:`TIME_TAGS` explains them."""
        return {**{f"time/{phase}": share for phase, share in self.percent().items()}, "time/cpu_seconds": self.total}

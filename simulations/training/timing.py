"""CPU time of a training by phase of the loop."""

import time

#: Tags that a run writes in addition to its curve. They are a curve of their own, since that one is reproducible.
TIME_TAGS: dict[str, str] = {
    "time/environment": "share of the CPU time spent in playing slots [%]",
    "time/forward": "share of the CPU time spent in choosing ads [%]",
    "time/update": "share of the CPU time spent in learning [%]",
    "time/other": "share of the CPU time spent in keeping books, curves and checkpoints [%]",
    "time/cpu_seconds": "CPU-seconds of all four so far",
}
PHASES = ("environment", "forward", "update", "other")


class TimeShares:
    """CPU time of this process by phase, measured with a stopwatch that is read at the end of each phase.

    Attributes:
        seconds: CPU-seconds of every phase of :data:`PHASES`.
    """

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(PHASES, 0.0)
        self._since = time.process_time()

    def spent_on(self, phase: str) -> None:
        """Adds the time since the last call to ``phase``."""
        now = time.process_time()
        self.seconds[phase] += now - self._since
        self._since = now

    @property
    def total(self) -> float:
        """CPU-seconds of all phases."""
        return sum(self.seconds.values())

    def percent(self) -> dict[str, float]:
        """Returns the share of every phase [%]; 0 before the first measurement."""
        return {phase: 100 * spent / max(self.total, 1e-300) for phase, spent in self.seconds.items()}

    def tags(self) -> dict[str, float]:
        """Returns the values for TensorBoard; :data:`TIME_TAGS` describes them."""
        return {**{f"time/{phase}": share for phase, share in self.percent().items()}, "time/cpu_seconds": self.total}

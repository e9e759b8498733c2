"""The number of processors that this process may keep busy."""

import os

from preroll.system.cgroups import settings


def cores() -> int:
    """Returns the number of cores that affinity and the quota of the container leave to this process, at least 1."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min([allowed, *_quotas()]))


def _quotas() -> list[int]:
    """Returns the quotas of CPU time in whole cores: what is left of one is worth a process more."""
    both = [*settings("cpu", ("cpu.max",)), *settings("cpu", ("cpu.cfs_quota_us", "cpu.cfs_period_us"))]
    return [-(-int(quota) // int(period)) for quota, period in both if quota.isdecimal()]

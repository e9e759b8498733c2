"""Connection to a Ray cluster (the extra ``ray``), or to one that is started on this machine."""

import os
import warnings
from importlib.util import find_spec
from typing import Any

from preroll.console import signals
from preroll.errors import PrerollError

# What Ray keeps for results that pass between machines [bytes]: ours are small, and by default it takes a third of all.
_MEMORY = 150_000_000


class MachineLostError(Exception):
    """Raised if an actor was lost, with its process or its machine."""


class RayCluster:
    """One cluster, from joining it to leaving it.

    Args:
        address: of a running cluster, as ``HOST:PORT``; else that in RAY_ADDRESS; without both, Ray runs on this
            machine alone and listens on loopback.
        cpus: how many tasks run side by side where it is started here; one per core by default.
    """

    def __init__(self, address: str | None = None, *, cpus: int | None = None) -> None:
        if find_spec("ray") is None:
            raise PrerollError("--engine ray: Ray is not installed: pip install 'preroll[ray]'")
        self._address = address or os.environ.get("RAY_ADDRESS") or "local"
        self._cpus = cpus
        self._joined = False

    @property
    def size(self) -> int:
        """Number of tasks that run side by side: the cores of the cluster."""
        import ray

        return max(1, int(ray.cluster_resources().get("CPU", 1)))

    def join(self) -> None:
        """Joins the cluster, or starts one; does nothing where this process is connected already.

        Raises:
            PrerollError: there is no cluster at the address.
        """
        import ray

        if ray.is_initialized():
            return
        # Nothing is reported to anybody, and without a cluster nothing listens beyond this machine.
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        alone = {
            "include_dashboard": False,
            "_node_ip_address": "127.0.0.1",
            "num_cpus": self._cpus,
            "object_store_memory": _MEMORY,
        }
        try:
            # Ray puts a handler of its own there, which ends without tidying up.
            with signals.unchanged(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                ray.init(
                    self._address,
                    configure_logging=False,
                    log_to_driver=False,
                    **(alone if self._address == "local" else {}),
                )
        except (ConnectionError, RuntimeError, ValueError, OSError) as error:
            raise PrerollError(f"--engine ray: no cluster can be joined: {' '.join(str(error).split())}") from None
        self._joined = True

    def leave(self) -> None:
        """Leaves the cluster that :meth:`join` joined, and ends one that it started."""
        import ray

        if self._joined:
            ray.shutdown()
            self._joined = False

    @staticmethod
    def answer(reference: Any) -> Any:
        """Waits for a result and returns it.

        Raises:
            PrerollError: the error of the task.
            MachineLostError: the actor that had the task was lost.
        """
        import ray

        try:
            return ray.get(reference)
        except ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, PrerollError):
                raise error.cause from None
            raise PrerollError(f"--engine ray: {' '.join(str(error.cause).split())}", status=1) from None
        except ray.exceptions.RayActorError as error:
            raise MachineLostError(f"its process or machine was lost: {' '.join(str(error).split())}") from None
        except ray.exceptions.RayError as error:
            raise PrerollError(f"--engine ray: {' '.join(str(error).split())}", status=1) from None

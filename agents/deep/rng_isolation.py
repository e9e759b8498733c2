"""Isolation of code that uses the global random generators or torch threads."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray


@contextmanager
def one_thread() -> Iterator[None]:
    """Limits torch to one thread inside the block: for small networks two are slower than one."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


class OwnGlobals:
    """Context in which the global generators of Python, NumPy and torch are private to this object, in one thread.

    stable-baselines3 draws minibatches and initial weights from the global generators. Inside the context these resume
    where this object's last context ended; on exit the previous states are restored. Hence two agents in one process do
    not affect each other, a foreign ``torch.manual_seed`` does not change a training, and the state can be saved.

    What is drawn is also computed here, in one thread: the last bits of an orthogonal initial weight (a QR
    factorisation) depend on the number of torch's threads, and a training would depend on them from its first step.
    """

    def __init__(self, seed: int) -> None:
        outside = self._swap(None)
        try:
            random.seed(seed)
            np.random.seed(seed % 2**32)  # noqa: NPY002  (the generator that stable-baselines3 uses)
            torch.manual_seed(seed)
            self._own = self._read()
        finally:
            self._swap(outside)
        self._outside: tuple[Any, ...] | None = None
        self._threads = one_thread()

    @staticmethod
    def _read() -> tuple[Any, ...]:
        return random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002

    @classmethod
    def _swap(cls, state: tuple[Any, ...] | None) -> tuple[Any, ...]:
        """Returns the global state and, if ``state`` is not None, replaces it by ``state``."""
        before = cls._read()
        if state is not None:
            random.setstate(state[0])
            np.random.set_state(state[1])  # noqa: NPY002
            torch.set_rng_state(state[2])
        return before

    def __enter__(self) -> None:
        self._threads = one_thread()
        self._threads.__enter__()
        self._outside = self._swap(self._own)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._outside is not None
        self._own = self._swap(self._outside)
        self._threads.__exit__(None, None, None)

    def state_arrays(self) -> dict[str, NDArray[Any]]:
        """Returns the private states as arrays, to be saved."""
        python, (_, key, position, has_gauss, gauss), tensor = self._own
        return {
            "python": np.array(python[1], dtype=np.uint64),
            "numpy": np.array(key, dtype=np.uint32),
            "numpy_position": np.array([position, has_gauss], dtype=np.int64),
            "numpy_gauss": np.array([gauss]),
            "torch": tensor.numpy().copy(),
        }

    def load_state(self, arrays: dict[str, NDArray[Any]]) -> None:
        """Restores the states returned by :meth:`state_arrays`."""
        position, has_gauss = arrays["numpy_position"].tolist()
        self._own = (
            (3, tuple(arrays["python"].tolist()), None),
            ("MT19937", arrays["numpy"].copy(), position, has_gauss, float(arrays["numpy_gauss"][0])),
            torch.from_numpy(arrays["torch"].copy()),
        )

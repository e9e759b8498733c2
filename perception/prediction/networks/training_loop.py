"""The training loop of all networks: AdamW, a one-cycle learning rate, and the loss summed over classes."""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from preroll.console.nearest import known
from preroll.errors import PrerollError
from preroll.perception.prediction.framework.settings import TrainingSettings

Batch = tuple[tuple[Tensor, ...], Tensor]
Batches = Callable[[np.random.Generator], Iterator[Batch]]
Metrics = dict[str, float]

#: Share of the steps during which the learning rate rises.
WARM_UP = 0.15


@dataclass(frozen=True)
class TrainingData:
    """Training batches and the validation function.

    Attributes:
        batches: iterates over inputs and targets [b, K] of one epoch, in an order drawn from the generator.
        steps: number of batches per epoch.
        validate: computes metrics of a network on the validation videos.
    """

    batches: Batches
    steps: int
    validate: Callable[[nn.Module], Metrics]


def fit(
    make: Callable[[], nn.Module],
    lesson: TrainingData,
    settings: TrainingSettings,
    seed: int,
    on_epoch: Callable[[int, Metrics], None],
) -> tuple[nn.Module, int]:
    """Trains one network on a single thread.

    Args:
        make: builds the network, with weights drawn from torch's global generator.
        lesson: training batches and the validation function.
        settings: epochs, learning rate, and the metric that selects the epoch.
        seed: seed of initial weights, dropout and the order of batches.
        on_epoch: called after each epoch with its number, counted from 1, and its metrics, including ``loss``.

    Returns:
        The network in evaluation mode with the weights of the kept epoch, and the number of that epoch.

    Raises:
        PrerollError: ``best_by`` is not a metric, or the loss is no longer finite.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            return _fit(make(), lesson, settings, np.random.default_rng(seed), on_epoch)
    finally:
        torch.set_num_threads(threads)


def _fit(
    network: nn.Module,
    lesson: TrainingData,
    settings: TrainingSettings,
    rng: np.random.Generator,
    on_epoch: Callable[[int, Metrics], None],
) -> tuple[nn.Module, int]:
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=settings.rate, weight_decay=settings.weight_decay, fused=True
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, settings.rate, total_steps=settings.epochs * lesson.steps, pct_start=WARM_UP
    )
    best, kept, state = -np.inf, settings.epochs, None
    for epoch in range(1, settings.epochs + 1):
        network.train()
        losses = []
        for inputs, targets in lesson.batches(rng):
            losses.append(_step(network, optimizer, inputs, targets, precision(settings)))
            schedule.step()
        if not np.isfinite(losses).all():
            raise PrerollError(f"training.rate: {settings.rate}: the loss of epoch {epoch} is no number; lower it")
        network.eval()
        with torch.no_grad():
            metrics = lesson.validate(network)
        on_epoch(epoch, {"loss": float(np.mean(losses)), **metrics})
        if settings.best_by is None:
            continue
        if settings.best_by not in metrics:
            raise PrerollError(
                f"training.best_by: {settings.best_by!r}: {known(settings.best_by, 'must be one of', metrics)}"
            )
        # A metric without positives is NaN, which never compares as better.
        if metrics[settings.best_by] > best or state is None:
            best, kept, state = metrics[settings.best_by], epoch, copy.deepcopy(network.state_dict())
    if state is not None:
        network.load_state_dict(state)
    return network.eval(), kept


def _step(
    network: nn.Module, optimizer: torch.optim.Optimizer, inputs: tuple[Tensor, ...], targets: Tensor, kind: torch.dtype
) -> float:
    with torch.autocast("cpu", torch.bfloat16, enabled=kind == torch.bfloat16):
        logits = network(*inputs)
    # Summed over classes: in a mean, thousands of absent classes would outweigh the few present ones.
    loss = nn.functional.binary_cross_entropy_with_logits(logits.float(), targets, reduction="sum") / len(targets)
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    return float(loss.detach())


def precision(settings: TrainingSettings) -> torch.dtype:
    """Returns the dtype in which layers are computed; weights, loss and predictions stay float32."""
    return torch.bfloat16 if settings.bf16 and has_bf16() else torch.float32


def precision_notes(settings: TrainingSettings) -> tuple[str, ...]:
    """Returns a note if the settings request bfloat16 and the processor does not support it natively."""
    if not settings.bf16 or has_bf16():
        return ()
    return (
        "training.bf16: this processor has no instructions for bfloat16 (avx512_bf16, amx_bf16): float32 was used.",
    )


def has_bf16() -> bool:
    """Returns whether the processor supports bfloat16 natively; without, it is slower than float32."""
    capabilities = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))

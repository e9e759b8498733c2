"""The one training loop of all networks: AdamW, one cycle of the learning rate, the loss summed over classes."""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from preroll.errors import PrerollError
from preroll.perception.prediction.framework.settings import TrainingSettings

Batch = tuple[tuple[Tensor, ...], Tensor]
Batches = Callable[[np.random.Generator], Iterator[Batch]]
Metrics = dict[str, float]

#: Share of the steps in which the learning rate rises.
WARM_UP = 0.15


@dataclass(frozen=True)
class TrainingData:
    """What a network is trained with.

    Attributes:
        batches: inputs and targets [b, K] of one epoch, in an order drawn from the generator.
        steps: how many batches there are.
        validate: metrics of the network on the validation videos.
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
    """Trains one network on one thread.

    Args:
        make: builds it, with weights from torch's generator.
        lesson: its data.
        settings: epochs, rates, which epoch is kept.
        seed: of weights, dropout and order.
        on_epoch: is called after each epoch with its number, from 1, and its metrics, ``loss`` among them.

    Returns:
        The network, and the epoch that it is from.

    Raises:
        PrerollError: ``best_by`` is no metric, or the loss is no number any more.
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
            raise PrerollError(f"training.best_by: {settings.best_by!r}: must be one of {', '.join(metrics)}")
        # nan, where nothing is positive, is never better.
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
    # The sum over classes: with the mean, thousands of absent classes would drown the few that are there.
    loss = nn.functional.binary_cross_entropy_with_logits(logits.float(), targets, reduction="sum") / len(targets)
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    return float(loss.detach())


def precision(settings: TrainingSettings) -> torch.dtype:
    """In what a network's layers are computed; their weights, the loss and what is predicted stay float32."""
    return torch.bfloat16 if settings.bf16 and has_bf16() else torch.float32


def precision_notes(settings: TrainingSettings) -> tuple[str, ...]:
    """What must be said where the settings ask for what the processor has not."""
    if not settings.bf16 or has_bf16():
        return ()
    return (
        "training.bf16: this processor has no instructions for bfloat16 (avx512_bf16, amx_bf16): float32 was used.",
    )


def has_bf16() -> bool:
    """Whether the processor computes in bfloat16 by itself; elsewhere it would be slower, not faster."""
    capabilities = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))

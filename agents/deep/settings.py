"""Settings that the deep agents share."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

import torch
from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from preroll.agents.settings import MOST_SESSIONS, AgentSettings, Overruled

#: Largest learning rate and clip range: what torch makes of them must fit in float32.
MOST = 1e30
Layers = tuple[Annotated[int, Field(ge=1, le=4096)], ...]


class DeepSettings(AgentSettings):
    """Settings that all deep agents share."""

    falling: ClassVar[Mapping[str, str]] = {"learning_rate": "final_learning_rate"}

    bootstrap_at_horizon: bool = Field(
        default=False,
        description="whether values are bootstrapped at the horizon; if not, revenue ends there, as in the model",
    )
    hidden: Layers = Field(default=(64, 64), description="units of the hidden layers (stable-baselines3)")
    activation: Annotated[Literal["tanh", "relu"], Overruled("hidden", lambda s: not s.hidden)] = Field(
        default="relu", description="of the hidden layers (relu: faster, measured)"
    )
    device: Literal["cpu", "cuda"] = Field(
        default="cpu", description="where networks compute; environments and buffers stay on the CPU"
    )
    learning_rate: float = Field(default=1e-3, gt=0, le=MOST, description="Adam's learning rate at the start")
    final_learning_rate: float = Field(default=1e-4, gt=0, le=MOST, description="… and at the end, linear in between")

    @model_serializer(mode="wrap")
    def _as_before(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leaves the CPU out, so that runs and fingerprints of experiments do not depend on there being a choice."""
        return {name: value for name, value in dump(self).items() if (name, value) != ("device", "cpu")}

    def lacking(self) -> str:
        """Returns that torch sees no GPU, where one is asked for."""
        absent = self.device == "cuda" and not torch.cuda.is_available()
        return "device: cuda: torch sees no GPU here; allowed: cpu" if absent else ""

    @property
    def place(self) -> torch.device:
        """Where networks compute here: what was trained on a GPU decides on the CPU where there is none."""
        return torch.device("cpu" if self.lacking() else self.device)

    def learning_rate_at(self, progress: float) -> float:
        """Returns the learning rate when the share ``progress`` (0 to 1) of the training is complete."""
        return self.learning_rate + (self.final_learning_rate - self.learning_rate) * progress


class PPOSettings(DeepSettings):
    """Settings of PPO; the defaults were measured on `fatigue`, whose preset has half the lanes and batch."""

    num_envs: int = Field(default=512, ge=1, le=65536, description="parallel sessions while training (measured)")
    sessions: int = Field(
        default=50_000, ge=1, le=MOST_SESSIONS, description="sessions after which training on `fatigue` has settled"
    )
    steps: int = Field(default=40, ge=1, description="steps of every lane between two trainings (measured)")
    batch: int = Field(default=2048, ge=2, description="transitions per gradient step (measured)")
    epochs: int = Field(
        default=4, ge=1, description="passes over the transitions (measured; Schulman et al. 2017: 3 to 10)"
    )
    learning_rate: float = Field(
        default=2e-3, gt=0, le=MOST, description="Adam's learning rate at the start (measured)"
    )
    gamma: float = Field(default=1.0, gt=0, le=1, description="discount: revenue is not discounted, sessions are short")
    gae_lambda: Annotated[float, Overruled("steps", lambda s: s.steps == 1)] = Field(
        default=0.95, ge=0, le=1, description="Schulman et al. 2016, 2017"
    )
    clip: Annotated[float, Overruled("epochs", lambda s: s.epochs == 1 and s.batch >= s.steps * s.num_envs)] = Field(
        default=0.2, gt=0, le=MOST, description="clip range of the policy's ratio (Schulman et al. 2017)"
    )
    entropy: float = Field(
        default=0.02,
        ge=0,
        description="weight of the entropy; without it runs stay at 91 to 92 % on `fatigue` (measured)",
    )
    value_weight: float = Field(default=0.5, ge=0, description="weight of the value loss (stable-baselines3)")
    max_gradient: float = Field(default=0.5, gt=0, description="largest norm of the gradient (stable-baselines3)")


#: What every saved deep agent lacks to train on.
MOMENTS = "Adam's moments start at 0"


def first_training(collected: int, steps: int) -> str:
    """Returns why a PPO has made no gradient step."""
    return f"no gradient step was made: {collected:,} steps of every environment are fewer than steps ({steps:,})"

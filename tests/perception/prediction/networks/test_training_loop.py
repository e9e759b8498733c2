"""bfloat16: used where it is asked for and the processor has it, told where it has not."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from preroll.perception.prediction.framework.settings import TagSettings, TrainingSettings
from preroll.perception.prediction.generators.tag_videos import generate_tags
from preroll.perception.prediction.networks import training_loop
from preroll.perception.prediction.networks.training_loop import TrainingData, fit, has_bf16
from preroll.perception.prediction.run import open_run, train


class Watched(nn.Module):
    """A layer that remembers in what it was computed."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 3)
        self.kinds: list[torch.dtype] = []

    def forward(self, values: Tensor) -> Tensor:
        found: Tensor = self.layer(values)
        self.kinds.append(found.dtype)
        return found


def kinds(*, asked: bool) -> set[torch.dtype]:
    """In what the layers of a training were computed."""
    lesson = TrainingData(
        lambda rng: iter([((torch.ones(2, 4),), torch.ones(2, 3))]), 1, lambda network: {"metric": 0.0}
    )
    network, _ = fit(Watched, lesson, TrainingSettings(bf16=asked, epochs=2), 0, lambda epoch, metrics: None)
    assert isinstance(network, Watched)
    assert network.layer.weight.dtype == torch.float32
    return set(network.kinds)


@pytest.mark.parametrize("there", [True, False])
def test_layers_are_computed_in_bfloat16_where_it_is_asked_for_and_there(
    there: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # torch computes in it everywhere, only slowly; the processor is asked for the sake of speed.
    monkeypatch.setattr(training_loop, "has_bf16", lambda: there)
    assert kinds(asked=True) == {torch.bfloat16 if there else torch.float32}
    assert kinds(asked=False) == {torch.float32}


def test_a_run_says_in_what_it_was_computed_and_what_is_missing(tmp_path: Path) -> None:
    generate_tags(tmp_path / "data", train=40, validation=20)
    asked = TagSettings.model_validate(
        {
            "task": "tags",
            "run": tmp_path / "run",
            "data": {"folder": tmp_path / "data", "cache": tmp_path / "arrays"},
            "model": {"name": "linear"},
            "training": {"epochs": 1, "seeds": [0], "bf16": True},
        }
    )
    fitted, _ = train(asked)
    assert np.isfinite(fitted.held_out).all()
    told = [note for note in open_run(asked.run).facts["notes"] if note.startswith("training.bf16")]
    assert open_run(asked.run).facts["precision"] == ("bfloat16" if has_bf16() else "float32")
    assert len(told) == (0 if has_bf16() else 1)

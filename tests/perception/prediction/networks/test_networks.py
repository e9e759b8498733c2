from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from preroll.errors import PrerollError
from preroll.perception.onnx_models import parity
from preroll.perception.prediction.framework.settings import GenreModel, TagModel, TrainingSettings
from preroll.perception.prediction.genres.patches import covering_patches, padded, random_patch
from preroll.perception.prediction.networks import export as exporting
from preroll.perception.prediction.networks.ensemble import Ensemble
from preroll.perception.prediction.networks.output_layer import log_odds
from preroll.perception.prediction.networks.sequence_networks import Units, make_sequence_network
from preroll.perception.prediction.networks.training_loop import TrainingData, fit
from preroll.perception.prediction.networks.vector_networks import make_vector_network
from tests.conftest import ROOT

SEQUENCES = ("bilstm", "attention", "mean-mlp", "logistic")
VECTORS = ("linear", "mlp", "gated", "moe")


def sequence_network(name: str) -> nn.Module:
    torch.manual_seed(0)
    units = Units(torch.randn(6), torch.tensor(2.0))
    settings = GenreModel.model_validate({"name": name, "units": 8, "dropout": 0.5})
    network = make_sequence_network(settings, units, torch.randn(3))
    for parameter in network.parameters():
        nn.init.normal_(parameter)
    return network.eval()


def logits(network: nn.Module, frames: NDArray[np.float32], mask: NDArray[np.float32]) -> NDArray[np.float32]:
    with torch.no_grad():
        found: NDArray[np.float32] = network(torch.from_numpy(frames), torch.from_numpy(mask)).numpy()
    return found


def export_sequences(path: Path, network: nn.Module, free_axes: int) -> None:
    """Exports with an example of 5 frames, and compares on one of 3."""
    rng = np.random.default_rng(0)
    videos = (padded([rng.standard_normal((n, 6)).astype(np.float32)] * 2) for n in (5, 3))
    exporting.export(
        path,
        exporting.Probabilities(network),
        [tuple(torch.from_numpy(part) for part in parts) for parts in videos],
        inputs=["frames", "mask"],
        output="probabilities",
        free_axes=free_axes,
    )


@pytest.mark.parametrize("name", SEQUENCES)
def test_padding_changes_nothing_whatever_stands_in_it(name: str, rng: np.random.Generator) -> None:
    network = sequence_network(name)
    videos = [rng.standard_normal((n, 6)).astype(np.float32) for n in (9, 4, 1)]
    frames, mask = padded(videos)
    together = logits(network, frames, mask)
    noisy = np.where(mask[:, :, None] == 0, rng.normal(0, 100, frames.shape), frames).astype(np.float32)
    np.testing.assert_allclose(logits(network, noisy, mask), together, atol=1e-4)
    longer = np.pad(noisy, ((0, 0), (0, 5), (0, 0)), constant_values=7), np.pad(mask, ((0, 0), (0, 5)))
    np.testing.assert_allclose(logits(network, *longer), together, atol=1e-4)
    for row, video in enumerate(videos):
        np.testing.assert_allclose(logits(network, *padded([video]))[0], together[row], atol=1e-4)


@pytest.mark.parametrize("name", SEQUENCES)
def test_the_length_of_an_embedding_changes_nothing(name: str, rng: np.random.Generator) -> None:
    network = sequence_network(name)
    frames, mask = padded([rng.standard_normal((7, 6)).astype(np.float32)])
    longer = frames * rng.uniform(0.2, 5, (1, 7, 1)).astype(np.float32)
    np.testing.assert_allclose(logits(network, longer, mask), logits(network, frames, mask), atol=1e-4)


@pytest.mark.parametrize("names", [("bilstm", "bilstm"), *((name,) for name in SEQUENCES[1:])], ids=" ".join)
def test_sequence_networks_are_the_same_in_onnx_at_any_length(
    tmp_path: Path, names: tuple[str, ...], rng: np.random.Generator
) -> None:
    """Two LSTMs, for torch remembers how the first one was taken apart and would fix the time axis of the second."""
    for name in names:
        export_sequences(tmp_path / "a.onnx", network := sequence_network(name), free_axes=2)
    axes = [one.type.tensor_type.shape.dim for one in onnx.load(tmp_path / "a.onnx").graph.input]
    assert [[axis.dim_param or axis.dim_value for axis in some] for some in axes] == [["n0", "n1", 6], ["n0", "n1"]]
    frames, mask = padded([rng.standard_normal((n, 6)).astype(np.float32) for n in (11, 1, 4)])
    found = Ensemble(tmp_path)([{"frames": frames, "mask": mask}])
    np.testing.assert_allclose(found, 1 / (1 + np.exp(-logits(network, frames, mask))), atol=1e-5)
    assert str(ROOT).encode() not in (tmp_path / "a.onnx").read_bytes()
    assert (tmp_path / "a.safetensors").is_file()


def test_a_network_that_onnxruntime_refuses_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(PrerollError, match=r"a\.onnx: onnxruntime refuses the exported network: .* Got: 3 Expected: 5"):
        export_sequences(tmp_path / "a.onnx", sequence_network("logistic"), free_axes=1)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", VECTORS)
def test_vector_networks_start_at_the_frequencies_of_their_classes(name: str) -> None:
    torch.manual_seed(0)
    shares = np.array([0.5, 0.1, 0.01, 0.0])
    settings = TagModel.model_validate({"name": name, "units": 16, "hidden": (8, 8)})
    network = make_vector_network(settings, 20, log_odds(shares, 1000)).eval()
    with torch.no_grad():
        found = torch.sigmoid(network(torch.randn(50, 20))).numpy().mean(0)
    # The mixture's "no" expert takes its share.
    expected = shares * (2 / 3 if name == "moe" else 1)
    np.testing.assert_allclose(found, expected, rtol=0.2, atol=0.002)


def test_a_network_that_differs_in_onnx_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parity, "TOLERANCE", -1.0)
    with pytest.raises(PrerollError, match="the exported network differs by"):
        exporting.export(tmp_path / "a.onnx", nn.Linear(3, 2), [(torch.zeros(2, 3),)], inputs=["x"], output="y")
    assert not list(tmp_path.iterdir())


def lesson() -> TrainingData:
    x = torch.randn(32, 4, generator=torch.Generator().manual_seed(0))
    y = (x[:, :2] > 0).float()
    return TrainingData(
        lambda rng: iter([((x,), y)]), 1, lambda network: {"score": float(-(network(x) - y).abs().mean())}
    )


def trained(training: TrainingSettings, epochs: list[float] | None = None) -> tuple[dict[str, torch.Tensor], int]:
    def on_epoch(epoch: int, metrics: dict[str, float]) -> None:
        if epochs is not None:
            epochs.append(metrics["score"])

    network, epoch = fit(lambda: nn.Linear(4, 2), lesson(), training, 3, on_epoch)
    return network.state_dict(), epoch


def test_one_seed_gives_one_network_and_leaves_torchs_dice_alone() -> None:
    before = torch.get_rng_state()
    first, again = (trained(TrainingSettings(epochs=3, rate=0.1))[0] for _ in range(2))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_best_epoch_is_kept_where_one_is_asked_for() -> None:
    scores: list[float] = []
    _, epoch = trained(TrainingSettings(epochs=6, rate=0.5, best_by="score"), scores)
    assert epoch == int(np.argmax(scores)) + 1
    assert trained(TrainingSettings(epochs=6, rate=0.5))[1] == 6
    with pytest.raises(PrerollError, match="best_by: 'f1': must be one of score"):
        trained(TrainingSettings(best_by="f1"))


def test_a_rate_that_destroys_the_network_is_told() -> None:
    with pytest.raises(PrerollError, match=r"training\.rate"):
        trained(TrainingSettings(epochs=3, rate=1e38))


def test_patches_cover_a_video_and_crops_stay_inside(rng: np.random.Generator) -> None:
    frames = np.arange(23, dtype=np.float32)[:, None]
    patches = covering_patches(frames, 10)
    assert [len(patch) for patch in patches] == [10, 10, 10]
    assert set(np.concatenate(patches)[:, 0]) == set(range(23))
    assert len(covering_patches(frames[:4], 10)[0]) == 4
    for _ in range(50):
        assert len(random_patch(frames, 10, rng)) == 10

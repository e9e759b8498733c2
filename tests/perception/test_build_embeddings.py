"""Catalogs with embeddings: of the detector itself or another network, kept, resumed, observed."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from preroll.envs.model.tables import Tables
from preroll.errors import PrerollError
from preroll.files.hashing import sha256_of
from preroll.perception.analysis.encoder import EncoderFile
from preroll.perception.build import build_catalog
from preroll.perception.catalog.catalog import Catalog
from preroll.perception.ingest.catalog_content import CatalogOptions
from preroll.perception.workers.pool import VideoJob, VideoPool

pytestmark = pytest.mark.usefixtures("without_processes")

Clip = Callable[..., Path]
Network = Callable[..., Path]
COLORS = {"blues": (0, 0, 255), "reds": (255, 0, 0)}


@pytest.fixture
def videos(tmp_path: Path, make_clip: Clip) -> Path:
    for category, color in COLORS.items():
        for i in range(3):
            make_clip(tmp_path / "videos" / category / f"{i}.mp4", [color] * 8 + [(0, 90 * i, 0)] * 2)
    return tmp_path / "videos"


@pytest.fixture
def network(tmp_path: Path, make_network: Network) -> Path:
    return with_embedding(make_network(tmp_path / "network" / "colours.onnx", score_threshold=0.05))


def with_embedding(path: Path, name: str = "means") -> Path:
    """Makes an inner value of the network an output, which the card names."""
    model = onnx.load(str(path))
    model.graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["n", 3]))
    path.write_bytes(model.SerializeToString())
    card = json.loads(path.with_suffix(".json").read_text())
    path.with_suffix(".json").write_text(json.dumps({**card, "embedding": name, "sha256": sha256_of(path)}))
    return path


def test_a_catalog_keeps_the_mean_vector_of_each_video(tmp_path: Path, videos: Path, network: Path) -> None:
    made = build_catalog(videos, tmp_path / "out", detector=network, embed=True, workers=1).catalog
    assert made.embedding is not None
    assert made.embedding.dtype == np.float16
    np.testing.assert_allclose(made.embedding[0], [0, 0, 1], atol=0.03)
    np.testing.assert_allclose(made.embedding[3], [1, 0, 0], atol=0.03)
    assert made.embedding_reduced is not None
    assert made.embedding_reduced.shape == (6, made.n_reduced)
    assert made.manifest["encoder"]["sha256"] == made.manifest["detector"]["sha256"]
    assert "--embed" in made.manifest["command"]
    made.check_values()
    assert made.altered() == []


def test_another_network_gives_the_same_as_the_detector_itself(
    tmp_path: Path, videos: Path, network: Path, make_network: Network
) -> None:
    other = make_network(tmp_path / "other" / "encoder.onnx", batch=2)  # gives the means as shares of 255
    own = build_catalog(videos, tmp_path / "own", detector=network, embed=True, workers=1).catalog
    beside = build_catalog(videos, tmp_path / "beside", detector=network, encoder=other, workers=2).catalog
    assert own.embedding is not None
    assert beside.embedding is not None
    np.testing.assert_allclose(own.embedding, beside.embedding, atol=1e-3)
    np.testing.assert_array_equal(own.importance, beside.importance)


def test_a_catalog_without_embeddings_is_what_it_was(tmp_path: Path, videos: Path, network: Path) -> None:
    build_catalog(videos, tmp_path / "with", detector=network, embed=True, workers=1)
    build_catalog(videos, tmp_path / "without", detector=network, workers=1)
    names = [path.name for path in (tmp_path / "without").iterdir()]
    assert not any(name.startswith("embedding") for name in names)
    for name in ("importance.npy", "neighbors.npy", "category_probabilities.npy", "videos.csv"):
        assert (tmp_path / "with" / name).read_bytes() == (tmp_path / "without" / name).read_bytes()
    assert "encoder" not in Catalog.load(tmp_path / "without").manifest


def test_embeddings_are_reused_where_nothing_has_changed(tmp_path: Path, videos: Path, network: Path) -> None:
    def build(**changes: object) -> int:
        return build_catalog(videos, tmp_path / "out", detector=network, workers=1, **changes).resumed  # type: ignore[arg-type]

    assert build() == 0
    assert build(embed=True) == 0  # detections alone are there
    first = {path.name: path.read_bytes() for path in (tmp_path / "out").glob("*.npy")}
    assert build(embed=True) == 6
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").glob("*.npy")} == first
    assert build(embed=True, choices=CatalogOptions(embed_size=1)) == 6
    assert Catalog.load(tmp_path / "out").n_reduced == 1
    assert build() == 6  # detections are enough
    assert Catalog.load(tmp_path / "out").embedding is None


def test_neighbors_can_be_those_of_the_embedding(tmp_path: Path, videos: Path, network: Path) -> None:
    choices = CatalogOptions(neighbors_by="embedding")
    made = build_catalog(videos, tmp_path / "out", detector=network, embed=True, workers=1, choices=choices).catalog
    assert made.embedding is not None
    cosines = made.embedding.astype(np.float64) @ made.embedding.T
    np.fill_diagonal(cosines, -1)
    np.testing.assert_allclose(made.neighbor_scores[:, 0], cosines.max(1), atol=2e-3)
    assert made.manifest["neighbors"]["by"] == "embedding"
    for by, told in (
        ("embedding", "give embed=True"),
        ("tags", "predict annotate --tags"),
        ("colour", "must be one of"),
    ):
        with pytest.raises(PrerollError, match=told):
            build_catalog(videos, tmp_path / "no", detector=network, choices=CatalogOptions(neighbors_by=by))  # type: ignore[arg-type]
        assert not (tmp_path / "no").exists()


def test_a_detector_whose_card_names_no_embedding_is_refused(
    tmp_path: Path, videos: Path, make_network: Network
) -> None:
    plain = make_network(tmp_path / "plain.onnx")
    with pytest.raises(PrerollError, match=r"plain names no output `embedding`: give an encoder with encoder="):
        build_catalog(videos, tmp_path / "out", detector=plain, embed=True, workers=1)
    assert not (tmp_path / "out").exists()


def test_an_embedding_of_tokens_is_refused_before_the_work(
    tmp_path: Path, videos: Path, network: Path, make_network: Network
) -> None:
    other = make_network(tmp_path / "other" / "encoder.onnx")
    model = onnx.load(str(other))
    model.graph.output.append(onnx.helper.make_tensor_value_info("numbers", onnx.TensorProto.FLOAT, ["n", 3, 16, 16]))
    other.write_bytes(model.SerializeToString())
    card = json.loads(other.with_suffix(".json").read_text())
    card |= {"embedding": "numbers", "sha256": sha256_of(other)}
    other.with_suffix(".json").write_text(json.dumps(card))
    with pytest.raises(PrerollError, match=r"its vectors are \[1, 3, 16, 16\]; must be \[n, d\]"):
        build_catalog(videos, tmp_path / "out", detector=network, encoder=other, workers=1)


def test_agents_observe_the_reduced_embedding(tmp_path: Path, videos: Path, network: Path) -> None:
    made = build_catalog(videos, tmp_path / "out", detector=network, embed=True, workers=1).catalog
    ads = {name: {"short": {"seconds": 5, "view_probability": 0.5, "reward": 1}} for name in made.categories}
    tables = Tables.compile({"ads": ads, "observe": {"content": "embedding"}}, made)
    part = tables.layout.parts["content"]
    assert part.size == made.n_reduced
    assert made.embedding_reduced is not None
    np.testing.assert_array_equal(tables.arrays.rows[:, part.slice], made.embedding_reduced)


def test_the_detector_is_run_once_for_both(tmp_path: Path, make_clip: Clip, network: Path) -> None:
    from preroll.perception.onnx_models.model_file import ModelFile

    model = ModelFile.find(network)
    clip = make_clip(tmp_path / "a.mp4", [(0, 255, 0)] * 10)
    pool = VideoPool(model, encoder=EncoderFile.of_detector(model), workers=1)
    ((_, found),) = pool.map([VideoJob(clip)])
    assert found.vectors.shape == (1, 3)
    assert found.vectors[0].argmax() == 1
    assert len(found.found.label) == 3

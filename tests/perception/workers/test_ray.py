"""The Ray engine on a real cluster of this machine; in a process of its own, for Ray stays in the one it is in."""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from preroll.errors import PrerollError
from preroll.perception.build import build_catalog
from preroll.perception.onnx_models.model_file import ModelFile
from preroll.perception.workers.pool import VideoPool
from preroll.workers import ray_cluster

Clip = Callable[..., Path]
Network = Callable[..., Path]
needs_ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs the extra ray")


SCRIPT = """
import warnings

import ray

from preroll.errors import PrerollError
from preroll.perception.build import build_catalog

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    ray.init(num_cpus=2, include_dashboard=False, _node_ip_address="127.0.0.1", log_to_driver=False)
build_catalog("videos", "far", detector="network/colours.onnx", engine="ray")
try:
    build_catalog("videos", "other", detector="network/wrong.onnx", engine="ray")
except PrerollError as error:
    print(error.status, error)
ray.shutdown()
"""


@pytest.fixture
def videos(tmp_path: Path, make_clip: Clip) -> Path:
    for category, color in (("blues", (0, 0, 255)), ("reds", (255, 0, 0))):
        for i in range(3):
            make_clip(tmp_path / "videos" / category / f"{i}.mp4", [color] * 8 + [(0, 60 * i, 0)] * 2)
    (tmp_path / "videos" / "reds" / "text.mp4").write_text("no video")
    return tmp_path / "videos"


@needs_ray
def test_a_cluster_builds_the_same_catalog_bit_for_bit(tmp_path: Path, videos: Path, make_network: Network) -> None:
    network = make_network(tmp_path / "network" / "colours.onnx", score_threshold=0.05)
    build_catalog(videos, tmp_path / "local", detector=network, workers=1)
    make_network(tmp_path / "network" / "wrong.onnx", classes=["red", "green"])
    alone = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
    alone["RAY_USAGE_STATS_ENABLED"] = "0"
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, cwd=tmp_path, env=alone)
    assert done.returncode == 0, done.stderr
    local, far = ({p.name: p.read_bytes() for p in (tmp_path / name).rglob("*.*")} for name in ("local", "far"))
    assert far == local
    # A mistake is told as it is here, and nothing is left of it.
    assert (
        done.stdout.strip().splitlines()[-1].startswith("2 detector network/wrong.onnx: the network returns 3 scores")
    )
    assert not (tmp_path / "other").exists()


def test_without_ray_the_error_says_what_to_install(
    tmp_path: Path, make_network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = ModelFile.find(make_network(tmp_path / "a.onnx"))
    monkeypatch.setattr(ray_cluster, "find_spec", lambda _: None)
    with pytest.raises(PrerollError, match=r"Ray is not installed: pip install 'preroll\[ray\]'"):
        VideoPool(model, engine="ray")

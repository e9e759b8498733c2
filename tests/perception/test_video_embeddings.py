import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from typer.testing import CliRunner

from preroll.commands.cli import app
from preroll.errors import PrerollError
from preroll.files.hashing import sha256_of
from preroll.perception.analysis.embedding import embed
from preroll.perception.analysis.encoder import Encoder, EncoderFile
from preroll.perception.prediction.formats.embeddings import manifest_of, read_embeddings
from preroll.perception.prediction.framework.bad_input import Skipping
from preroll.perception.video_embeddings import analyzed, embed_videos, videos_in
from preroll.workers.job import Limits

pytestmark = pytest.mark.usefixtures("without_processes")

RED, BLUE = (250, 0, 0), (0, 0, 250)


def test_the_frames_of_a_video_are_embedded_in_order(
    tmp_path: Path, make_clip: Callable[..., Path], make_network: Callable[..., Path]
) -> None:
    clip = make_clip(tmp_path / "v" / "a.mp4", [RED] * 10 + [BLUE] * 10)
    file = EncoderFile.find(make_network(tmp_path / "encoder.onnx", batch=4))
    found = embed(clip, Encoder(file.model, file.card))
    assert found.vectors.shape == (found.frames, 3) == (6, 3)
    assert found.vectors.dtype == np.float32
    assert found.vectors.argmax(1).tolist() == [0, 0, 0, 2, 2, 2]
    ((name, there),) = analyzed([("a", clip)], file, workers=1)
    assert (name, there.status, there.coverage) == ("a", "ok", found.coverage)
    np.testing.assert_array_equal(there.vectors, found.vectors)


def test_a_bad_video_is_listed_and_the_same_command_goes_on(
    tmp_path: Path, make_clip: Callable[..., Path], make_network: Callable[..., Path]
) -> None:
    first = make_clip(tmp_path / "v" / "cars" / "a.mp4", [RED] * 4)
    bad = tmp_path / "v" / "cars" / "b.mp4"
    bad.write_bytes(b"no video")
    model, out = make_network(tmp_path / "encoder.onnx"), tmp_path / "out"
    command = ["predict", "embed", str(tmp_path / "v"), "--encoder", str(model), "--out", str(out), "--workers", "1"]
    result = CliRunner().invoke(app, command)
    assert isinstance(result.exception, PrerollError)
    assert result.exception.status == 1
    assert "1 video could not be embedded" in str(result.exception)
    assert "1 of 2 videos embedded" in result.stdout
    assert json.loads((out / "problems.json").read_text())["cars/b"]["status"] == "unreadable"
    assert np.load(out / "cars" / "a.npy").shape[1] == 3
    first.unlink()
    first.write_bytes(b"is not looked at again")
    make_clip(bad, [BLUE] * 4)
    assert CliRunner().invoke(app, command, catch_exceptions=False).exit_code == 0
    assert np.load(out / "cars" / "b.npy").shape[1] == 3


def test_embeddings_of_two_encoders_are_not_mixed(
    tmp_path: Path, make_clip: Callable[..., Path], make_network: Callable[..., Path]
) -> None:
    clip = make_clip(tmp_path / "a.mp4", [RED] * 4)
    one, other = (EncoderFile.find(make_network(tmp_path / f"{name}.onnx", fit=name)) for name in ("crop", "stretch"))
    embed_videos([("a", clip)], one, tmp_path / "out", workers=1)
    with pytest.raises(PrerollError, match="of another encoder"):
        embed_videos([("a", clip)], other, tmp_path / "out", workers=1)


def test_a_damaged_list_of_problems_is_found_again(
    tmp_path: Path, make_clip: Callable[..., Path], make_network: Callable[..., Path]
) -> None:
    whole = make_clip(tmp_path / "whole.mkv", [RED] * 40)
    (cut := tmp_path / "cut.mkv").write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    file, out = EncoderFile.find(make_network(tmp_path / "encoder.onnx")), tmp_path / "out"
    clips = [("cut", cut), ("whole", whole)]
    found = embed_videos(clips, file, out, workers=1)
    assert {name: problem["status"] for name, problem in found.items()} == {"cut": "partial"}
    before = (out / "problems.json").read_bytes()
    for damaged in (b"", before[:-9], before.replace(b"partial", b"ok     ")):
        (out / "problems.json").write_bytes(damaged)
        assert embed_videos(clips, file, out, workers=1) == found
        assert (out / "problems.json").read_bytes() == before


def test_what_words_become_is_no_matter_to_embeddings_that_are_there(
    tmp_path: Path, make_clip: Callable[..., Path], make_network: Callable[..., Path]
) -> None:
    clip = make_clip(tmp_path / "a.mp4", [RED] * 4)
    before = EncoderFile.find(make_network(tmp_path / "encoder.onnx", activation="softmax"))
    embed_videos([("a", clip)], before, tmp_path / "out", workers=1)
    after = EncoderFile.find(make_network(tmp_path / "encoder.onnx", activation="sigmoid", logit_scale=100.0))
    embed_videos([("a", clip)], after, tmp_path / "out", workers=1)
    kept = (tmp_path / "out" / "encoder.json").read_text()
    assert not any(f'"{name}"' in kept for name in ("activation", "logit_scale", "embedding", "pool"))


@pytest.mark.processes
def test_a_video_that_takes_too_long_is_given_up(
    tmp_path: Path, make_clip: Callable[..., Path], make_network: Callable[..., Path]
) -> None:
    clip = make_clip(tmp_path / "a.mp4", [RED] * 600)
    file = EncoderFile.find(make_network(tmp_path / "encoder.onnx"))
    found = embed_videos([("a", clip)], file, tmp_path / "out", workers=1, limits=Limits(0.001, 0.0))
    assert found["a"]["status"] == "timeout"
    assert not (tmp_path / "out" / "a.npy").exists()


def test_a_card_of_another_file_is_refused(tmp_path: Path, make_network: Callable[..., Path]) -> None:
    model = make_network(tmp_path / "encoder.onnx", sha256="0" * 64)
    with pytest.raises(PrerollError, match="is of another file"):
        EncoderFile.find(model)
    model.with_suffix(".json").unlink()
    with pytest.raises(PrerollError, match="no model card"):
        EncoderFile.find(model)
    with pytest.raises(PrerollError, match="no such file"):
        EncoderFile.find(tmp_path / "none.onnx")


def test_an_encoder_that_does_more_than_compute_is_refused(tmp_path: Path, make_network: Callable[..., Path]) -> None:
    model = make_network(tmp_path / "encoder.onnx")
    network = onnx.load(model)
    network.graph.node[0].domain = "own"
    onnx.save(network, model)
    card = json.loads(model.with_suffix(".json").read_text())
    model.with_suffix(".json").write_text(json.dumps({**card, "sha256": sha256_of(model)}))
    with pytest.raises(PrerollError, match=r"encoder .*encoder\.onnx: "):
        EncoderFile.find(model)


def test_two_videos_of_one_name_are_refused(tmp_path: Path, make_clip: Callable[..., Path]) -> None:
    first, second = (make_clip(tmp_path / folder / "a.mp4", [RED] * 2) for folder in ("x", "y"))
    with pytest.raises(PrerollError, match="would be called 'a'"):
        videos_in([first, second])
    with pytest.raises(PrerollError, match="holds no video"):
        videos_in([tmp_path / "x" / "a.mp4"][:0] or [_empty(tmp_path)])


def _empty(tmp_path: Path) -> Path:
    folder = tmp_path / "empty"
    folder.mkdir()
    return folder


def test_the_real_classifier_embeds_a_real_clip(real: Path) -> None:
    file = EncoderFile.find(real / "weights" / "SqueezeNet_fp16.onnx")
    encoder = Encoder(file.model, file.card)
    vectors = embed(real / "videos" / "pool.mp4", encoder).vectors
    assert vectors.shape[1] == encoder.width == 1000
    np.testing.assert_allclose(vectors.sum(1), 1, atol=0.02)


def test_damaged_embeddings_are_computed_again_and_strangers_kept(
    tmp_path: Path, make_clip: Callable[..., Path], make_network: Callable[..., Path]
) -> None:
    clips = [(name, make_clip(tmp_path / f"{name}.mp4", [RED] * 4)) for name in "ab"]
    file, out = EncoderFile.find(make_network(tmp_path / "encoder.onnx")), tmp_path / "out"
    embed_videos(clips, file, out, workers=1)
    whole = {path.name: path.read_bytes() for path in out.iterdir()}
    assert sorted(whole) == ["a.npy", "b.npy", "encoder.json", "manifest.json"]
    flipped = bytearray(whole["a.npy"])
    flipped[-1] ^= 1
    for content in (bytes(flipped), b"", whole["a.npy"][:100]):
        (out / "a.npy").write_bytes(content)
        with pytest.raises(PrerollError, match=r"a\.npy: is not the file that was written"):
            read_embeddings(out / "a.npy", 3, Skipping(), manifest_of(out))
        embed_videos(clips, file, out, workers=1)
        assert {path.name: path.read_bytes() for path in out.iterdir()} == whole
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a.npy").write_text("dear")
    with pytest.raises(PrerollError, match=r"holds a\.npy, and no encoder\.json of embeddings"):
        embed_videos(clips, file, tmp_path / "mine", workers=1)
    (out / "encoder.json").write_text("{}")
    with pytest.raises(PrerollError, match=r"encoder\.json: has no seal"):
        embed_videos(clips, file, out, workers=1)

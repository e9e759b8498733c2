"""Files of settings: the core schema of YAML 1.2, keys that stand once, and one line about anything else."""

import datetime
import math
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from preroll.bounded import yaml_text
from preroll.bounded.yaml_text import (
    DEEPEST,
    LONGEST,
    dump_yaml,
    load_named,
    load_yaml,
    parse_value,
    parse_yaml,
)
from preroll.errors import PrerollError
from preroll.yaml_config import FileModel, validated
from tests.conftest import ROOT

FILES = sorted(
    path.relative_to(ROOT) for room in ("agents", "envs", "examples") for path in (ROOT / room).rglob("*.yaml")
)
NESTED = ", ".join(["*{0}"] * 9)
BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{two}: &{two} [{NESTED.format(one)}]\n" for one, two in zip("abcdefg", "bcdefgh", strict=True)
)
TAGS = ("int", "float", "bool", "null", "set", "omap", "timestamp", "binary")
PIECES = ["a", "b: ", "- ", "\n", " ", "  ", "&x ", "*x", "<<: ", "{", "}", "[", "]", ",", "? ", "1", "0x", "1e3", ".",
          "-", '"', "'", "|", "> ", "---", "#", "\t", "\x00", "é", "=", "%YAML 1.1\n---\n", "%YAML 3.1\n---\n",
          "!other ", *(f"!!{tag} " for tag in TAGS)]  # fmt: skip


@pytest.mark.parametrize("path", FILES, ids=str)
def test_a_file_of_the_repository_means_what_it_meant_to_pyyaml(path: Path) -> None:
    """Runs that were saved before hold the same keys, written by PyYAML."""
    pyyaml = pytest.importorskip("yaml")  # comes with ray and optuna
    text = (ROOT / path).read_text("utf8")
    expected = pyyaml.safe_load(text)
    assert repr(load_yaml(ROOT / path)) == repr(expected)
    for style in (None, False, True):
        written = pyyaml.safe_dump(expected, sort_keys=False, allow_unicode=True, default_flow_style=style, width=110)
        assert repr(parse_yaml(written, "written")) == repr(expected)


@pytest.mark.parametrize(
    ("text", "value", "before"),
    [
        ("1e3", 1000.0, "1e3"),
        ("1e-05", 1e-5, "1e-05"),
        (".5e3", 500.0, ".5e3"),
        ("no", "no", False),
        ("off", "off", False),
        ("yes", "yes", True),
        ("1:30", "1:30", 90),
        ("012", 12, 10),
        ("0o12", 10, "0o12"),
        ("1_000", "1_000", 1000),
        ("0b11", "0b11", 3),
        ("2026-11-26", "2026-11-26", datetime.date(2026, 11, 26)),
        ("1.0e+3", 1000.0, 1000.0),
        ("0x1F", 31, 31),
        ("-0.0", -0.0, -0.0),
        ("-.inf", -math.inf, -math.inf),
        ("True", True, True),
        ("~", None, None),
        ("", None, None),
        ("'1'", "1", "1"),
        ("nan", "nan", "nan"),
    ],
)
def test_a_plain_value_is_what_the_core_schema_says(text: str, value: object, before: object) -> None:
    """``before`` is what PyYAML read, by the rules of YAML 1.1 less some numbers."""
    assert repr(parse_yaml(f"a: {text}", "text")) == repr({"a": value})
    assert repr(parse_yaml(f"%YAML 1.1\n---\na: {text}", "text")) == repr({"a": value})
    assert repr(pytest.importorskip("yaml").safe_load(f"a: {text}")) == repr({"a": before})


def test_merge_keys_and_anchors_share_what_is_alike() -> None:
    text = "a: &a {x: 1, y: 2}\nb: &b {<<: *a, y: 3}\nc: {<<: [*b, {z: 4}], x: 5}\nd: *a\n"
    merged = {"x": 1, "y": 3}
    assert parse_yaml(text, "text") == {
        "a": {"x": 1, "y": 2}, "b": merged, "c": {**merged, "z": 4, "x": 5}, "d": {"x": 1, "y": 2}
    }  # fmt: skip
    assert parse_yaml("a: &a 1\nb: *a\nc: &a 2\nd: *a", "text") == {"a": 1, "b": 1, "c": 2, "d": 2}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1\n\na: 2\n", "text, line 3: is not valid YAML: key 'a' occurs twice"),
        ("b: [{a: 1,\n a: 1}]\n", "text, line 2: is not valid YAML: key 'a' occurs twice"),
        ("b: &b {x: 1}\nc: {<<: *b, a: 1, a: 2}\n", "text, line 2: is not valid YAML: key 'a' occurs twice"),
        ("? [a, b]\n: 1\n? [a, b]\n: 2\n", "text, line 3: is not valid YAML: found duplicate key"),
        ("a: 1\nb: [1", "text, line 2: is not valid YAML: expected ',' or ']'"),
        ("a: !!python/name:os.system", "text, line 1: is not valid YAML: could not determine a constructor"),
        ("a: !!bool maybe", "text: is not valid YAML: "),
        ("a: 1\n---\nb: 2", "text, line 2: is not valid YAML: but found another document"),
        ("[1, 2]", "text: a mapping of keys to values is expected, not list"),
        ("", "text: a mapping of keys to values is expected, not NoneType"),
    ],
)
def test_what_is_no_mapping_is_told_in_one_line(text: str, line: str) -> None:
    with pytest.raises(PrerollError) as caught:
        parse_yaml(text, "text")
    assert str(caught.value).startswith(line)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        BOMB,
        BOMB.replace("[", "{<<: [").replace("]", "]}").replace("[x, x, x, x, x, x, x, x, x]", "{x: 1}"),
        "a: &a [*a]",
        "a: &a {<<: *a}",
        "[" * 3_000,
        "[" * (DEEPEST + 1) + "]" * (DEEPEST + 1),
        "- &a0 []\n" + "".join(f"- &a{i + 1} [*a{i}]\n" for i in range(DEEPEST)),
        "9" * (LONGEST + 1),
        "0x" + "f" * LONGEST,
    ],
    ids=[
        "aliases",
        "merges",
        "itself",
        "merges-itself",
        "depth",
        "one-level-too-many",
        "depth-by-aliases",
        "digits",
        "hexadecimal-digits",
    ],
)
def test_a_text_that_stands_for_too_much_is_refused(text: str) -> None:
    with pytest.raises(PrerollError, match=r"^text: holds too much: at most 100,000 values and 100 levels"):
        parse_value(text, "text")


def test_a_text_of_too_many_values_is_refused_and_one_value_less_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """A low limit, for reading a text of 100,000 values takes seconds; the mapping and its key are values as well."""
    monkeypatch.setattr(yaml_text, "LARGEST", 1_000)
    assert parse_value("[" + "1, " * 999 + "]", "text") == [1] * 999
    with pytest.raises(PrerollError, match=r"^text: holds too much: at most 1,000 values and 100 levels"):
        parse_value("[" + "1, " * 1_000 + "]", "text")


def test_what_is_allowed_is_read() -> None:
    found = parse_value("[" * DEEPEST + "]" * DEEPEST, "text")
    for _ in range(DEEPEST - 1):
        (found,) = found
    assert found == []


@given(st.text(max_size=200) | st.lists(st.sampled_from(PIECES), max_size=14).map("".join))
def test_nothing_but_a_preroll_error_comes_out_of_wrong_yaml(text: str) -> None:
    told = ""
    try:
        assert isinstance(parse_yaml(text, "text"), dict)
    except PrerollError as error:
        told = str(error)
    assert "\n" not in told


LETTERS = st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]) | st.sampled_from("\n\t -:#'\"")
TEXTS = st.text(LETTERS, max_size=40) | st.sampled_from([str(ROOT), *PIECES, "x  y " * 60])


@settings(max_examples=50)
@given(
    st.dictionaries(
        TEXTS,
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
            lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner),
        ),
    )
)
def test_what_is_written_is_read_back(value: dict[str, Any]) -> None:
    written = dump_yaml(value)
    assert repr(parse_yaml(written, "written")) == repr(value)


@pytest.mark.parametrize(
    "text", ["x" * 120 + "\ty z\n", "'x' " * 60 + ": y", "y\n" * 80, "\t" * 200 + " x", "# " * 90, "? \x85 x"]
)
def test_quoted_texts_are_read_back_however_long(text: str) -> None:
    for value in ({"a": text}, {"a": [text, text]}, {text: {text: None}}):
        assert parse_yaml(dump_yaml(value), "written") == value


def test_lines_break_between_values_and_words() -> None:
    words, numbers = "a plain text that goes on " * 9, {f"long_name_{i}": i for i in range(40)}
    written = dump_yaml({"description": words.strip(), "numbers": numbers, "list": ["folder/" * 20] * 3})
    lines = written.splitlines()
    assert max(map(len, lines[:-3])) < 135
    assert not any(line.endswith((" ", ":")) for line in lines)
    assert lines[0].startswith("description: a plain text")
    assert lines[-3] == "list: [" + "folder/" * 20 + ","


class Inside(FileModel):
    share: Annotated[float, Field(ge=0, le=1)] = 0.5
    parts: int = Field(default=1, ge=1, le=9)


class Sample(FileModel):
    count: int | None = Field(default=1, ge=1)
    pairs: dict[str, tuple[tuple[float, int], ...]] = Field(default={})
    inside: tuple[Inside, ...] = ()
    truth: bool = False
    kind: Literal[True, "none"] = True
    text: str = ""
    place: Path = Path()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("count: true", "count: True: should be a valid integer"),
        ("count: '1'", "count: '1': should be a valid integer"),
        ("count: 1_000", "count: '1_000': should be a valid integer"),
        ("count: 1:30", "count: '1:30': should be a valid integer"),
        ("count: 1.5", "count: 1.5: should be a valid integer, got a number with a fractional part"),
        ("pairs: {a: [[0.5, true]]}", "pairs.a.0.1: True: should be a valid integer"),
        ("pairs: {a: [[false, 1]]}", "pairs.a.0.0: False: should be a valid number"),
        ("pairs: {a: [['.5', 1]]}", "pairs.a.0.0: '.5': should be a valid number"),
        ("pairs: {1: []}", "pairs: the key 1: should be a valid string"),
        ("inside: [{}, {share: true}]", "inside.1.share: True: should be in [0, 1], a number"),
        ("inside: [{parts: 1.5}]", "inside.0.parts: 1.5: should be in [1, 9], a whole number"),
        ("truth: yes", "truth: 'yes': should be true or false"),
        ("truth: 'true'", "truth: 'true': should be true or false"),
        ("truth: 1", "truth: 1: should be true or false"),
        ("truth: 0.0", "truth: 0.0: should be true or false"),
        ("kind: 1", "kind: 1: should be True or 'none'"),
        ("text: 1", "text: 1: should be a valid string"),
        ("text: !!binary YQ==", "text: b'a': should be a valid string"),
        ("place: 1", "place: 1: Input is not a valid path"),
    ],
)
def test_a_value_of_another_type_is_not_converted(text: str, line: str) -> None:
    """Pydantic by itself takes all of these but the last, 1.5 and the key."""
    with pytest.raises(PrerollError) as caught:
        validated(Sample, parse_yaml(text, "text"), "text")
    assert str(caught.value).startswith(f"text: {line}")


def test_a_value_of_its_own_type_is_taken() -> None:
    text = (
        "{count: 1e3, pairs: {yes: [[1, 010]]}, inside: [{share: 1}], truth: true, kind: none, text: 1_000, place: no}"
    )
    assert validated(Sample, parse_yaml(text, "text"), "text") == Sample(
        count=1000, pairs={"yes": ((1.0, 10),)}, inside=(Inside(share=1.0),), truth=True, kind="none", text="1_000",
        place=Path("no"),
    )  # fmt: skip


def test_a_number_that_python_does_not_write_is_told_all_the_same() -> None:
    with pytest.raises(PrerollError, match=r"^text: inside\.0\.share: a huge number: should be in"):
        validated(Sample, {"inside": [{"share": 10**5000}]}, "text")


def test_every_model_of_the_package_takes_values_for_what_they_are() -> None:
    import preroll.agents.registry
    import preroll.perception.analysis.encoder
    import preroll.perception.prediction.framework.settings
    import preroll.simulations.experiment.design.spec
    import preroll.simulations.training.run  # noqa: F401

    def below(model: type[Any]) -> set[type[Any]]:
        return {model, *(one for child in model.__subclasses__() for one in below(child))}

    ours = {one for one in below(BaseModel) if one.__module__.startswith("preroll.")}
    assert {"Scenario", "Experiment", "AgentSettings", "RunSettings", "EncoderCard", "TagSettings"} <= {
        one.__name__ for one in ours
    }
    assert ours - below(FileModel) == set()


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("plain.yaml", "plain"),
        ("my own scenario.yaml", "my-own-scenario"),
        ("v1.2 (copy).yaml", "v1-2--copy-"),
        ("größe-5_b.yaml", "größe-5_b"),
        ("x²½.yaml", "x--"),
        ("a" * 80 + ".yaml", "a" * 64),
    ],
)
def test_a_file_may_have_any_name(file: str, name: str, tmp_path: Path) -> None:
    (tmp_path / file).write_text("a: 1")
    assert load_named(tmp_path / file) == {"name": name, "a": 1}
    (tmp_path / file).write_text("name: my own")
    assert load_named(tmp_path / file) == {"name": "my own"}


def test_a_text_is_read_as_it_stands_whatever_became_of_what_was_read_before() -> None:
    text = "a: &x [1, {b: 2}]\nc: *x\n"
    first = parse_value(text, "file")
    first["a"][1]["b"] = 3
    assert parse_value(text, "file") == {"a": [1, {"b": 2}], "c": [1, {"b": 2}]}

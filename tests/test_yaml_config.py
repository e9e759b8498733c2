"""Files of settings: the core schema of YAML 1.2, keys that stand once, and one line about anything else."""

import datetime
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preroll.errors import PrerollError
from preroll.yaml_config import DEEPEST, LARGEST, dump_yaml, load_yaml, parse_value, parse_yaml
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
        "[" * 10_000,
        "[" * (DEEPEST + 1) + "]" * (DEEPEST + 1),
        "- &a0 []\n" + "".join(f"- &a{i + 1} [*a{i}]\n" for i in range(DEEPEST)),
        "a: [" + "1, " * LARGEST + "]",
    ],
    ids=["aliases", "merges", "itself", "merges-itself", "depth", "one-level-too-many", "depth-by-aliases", "size"],
)
def test_a_text_that_stands_for_too_much_is_refused(text: str) -> None:
    with pytest.raises(PrerollError, match=r"^text: holds too much: at most 100,000 values and 100 levels"):
        parse_value(text, "text")


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


def test_lines_break_between_values_and_words() -> None:
    words, numbers = "a plain text that goes on " * 9, {f"long_name_{i}": i for i in range(40)}
    written = dump_yaml({"description": words.strip(), "numbers": numbers, "list": ["folder/" * 20] * 3})
    lines = written.splitlines()
    assert max(map(len, lines[:-3])) < 135
    assert not any(line.endswith((" ", ":")) for line in lines)
    assert lines[0].startswith("description: a plain text")
    assert lines[-3] == "list: [" + "folder/" * 20 + ","

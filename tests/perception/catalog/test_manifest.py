import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preroll.errors import PrerollError
from preroll.perception.catalog.manifest import REQUIRED_FILES, parse_manifest

MANIFEST: dict[str, Any] = {
    "format": "preroll-catalog",
    "version": 1,
    "command": "preroll catalog build videos --out DIR",
    "categories": ["cars", "cats"],
    "videos": 3,
    "files": {name: {"sha256": "0" * 64, "shape": [3]} for name in REQUIRED_FILES},
}
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


def test_a_whole_manifest_passes_unchanged() -> None:
    assert parse_manifest(json.dumps(MANIFEST), Path("m")).content == MANIFEST


@given(st.text(max_size=200))
def test_any_other_text_is_an_error_of_one_line(text: str) -> None:
    with pytest.raises(PrerollError, match=r"^m/manifest\.json: [^\n]*$"):
        parse_manifest(text, Path("m"))


@given(st.sampled_from(sorted(MANIFEST)), json_values)
def test_any_value_of_any_key_is_taken_or_refused(key: str, value: Any) -> None:
    text = json.dumps({**MANIFEST, key: value})
    try:
        parsed = parse_manifest(text, Path("m")).content
    except PrerollError:
        assert (type(value), value) != (type(MANIFEST[key]), MANIFEST[key])  # True == 1, but is no version
    else:
        assert type(parsed[key]) is type(MANIFEST[key])


@pytest.mark.parametrize("name", ["../secret.npy", "/etc/passwd", "a/../../b", ".."])
def test_a_file_outside_of_the_catalog_is_refused(name: str) -> None:
    files = {**MANIFEST["files"], name: {"sha256": "0" * 64, "shape": [1]}}
    with pytest.raises(PrerollError, match="is not the plain name of something inside the folder"):
        parse_manifest(json.dumps({**MANIFEST, "files": files}), Path("m"))

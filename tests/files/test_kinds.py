from pathlib import Path

import pytest

from preroll.files import kinds
from preroll.files.kinds import FileKind

#: All kinds but that of a scenario of the user's own, which is never replaced unless it is empty.
KINDS = {name: kind for name, kind in vars(kinds).items() if isinstance(kind, FileKind) and name != "OWN_YAML"}

#: What each kind begins with, as preroll or others write it.
BEGINNINGS = {
    "CSV": [b"frame,class,confidence\n1,cat,0.5\n", b"\xef\xbb\xbfpath\n", "caf\xe9,\u732b\r\n".encode()],
    "JSON": [b'{\n  "a": 1\n}\n', b"[1, 2]", b'\n {"name": "x"}'],
    "CARD": [b'{\n  "name": "objects",\n  "sha256": "2ddf"'],
    "HTML": [b"<!doctype html>\n<html>", b"<!-- note --><HTML lang=en>"],
    "ONNX": [b"\x08\x0a\x12\x07pytorch"],
    "POLICY": [b"\x08\x08\x12\x07preroll"],
    "PARQUET": [b"PAR1\x15\x04"],
    "PNG": [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"],
    "SVG": [b"<svg width='3'>", b'<?xml version="1.0"?>\n<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN">\n<svg>'],
    "JPEG": [b"\xff\xd8\xff\xe0\0\x10JFIF"],
}
OTHERS = [b"PK\x03\x04\x14\0", b"\0\0\0\x20ftypisom", b"%PDF-1.7\n", b"\x1aE\xdf\xa3", b"\0", b"MZ\x90\0"]


@pytest.mark.parametrize("name", KINDS)
def test_a_file_is_of_its_kind_by_suffix_and_first_bytes(name: str, tmp_path: Path) -> None:
    kind = KINDS[name]
    for suffix in (*kind.suffixes, kind.suffixes[0].upper()):
        for beginning in BEGINNINGS[name]:
            (tmp_path / f"it{suffix}").write_bytes(beginning)
            assert kind.is_kind_of(tmp_path / f"it{suffix}"), beginning
    (tmp_path / "it.other").write_bytes(BEGINNINGS[name][0])
    assert not kind.is_kind_of(tmp_path / "it.other")


@pytest.mark.parametrize("name", KINDS)
def test_what_begins_otherwise_is_not_of_the_kind_but_an_empty_file_is(name: str, tmp_path: Path) -> None:
    kind = KINDS[name]
    file = tmp_path / f"it{kind.suffixes[0]}"
    related = {"CARD": ("CARD", "JSON"), "JSON": ("CARD", "JSON"), "ONNX": ("ONNX", "POLICY")}.get(name, (name,))
    others = [text for other, texts in BEGINNINGS.items() if other not in related for text in texts]
    for beginning in (*others, *OTHERS):
        file.write_bytes(beginning)
        assert not kind.is_kind_of(file), beginning
    file.write_bytes(b"")
    assert kind.is_kind_of(file)


def test_a_scenario_of_the_user_s_own_is_no_file_to_be_replaced_and_an_empty_file_is(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("name: mine\n")
    assert not kinds.OWN_YAML.is_kind_of(file)
    file.write_text("")
    assert kinds.OWN_YAML.is_kind_of(file)

import pytest

from preroll.perception.prediction.framework.settings import GenreSettings, MemorabilitySettings, TagSettings
from preroll.perception.prediction.framework.settings_table import settings_tables, with_tables
from tests.conftest import ROOT

PAGE = ROOT / "docs" / "predictions.md"


def test_the_page_says_every_key_and_its_default() -> None:
    """Where this fails: python -m preroll.perception.prediction.framework.settings_table docs/predictions.md."""
    assert with_tables(PAGE.read_text("utf8")) == PAGE.read_text("utf8")


@pytest.mark.parametrize("kind", [TagSettings, GenreSettings, MemorabilitySettings])
def test_no_key_is_left_out(kind: type[TagSettings]) -> None:
    tables = settings_tables()
    for part in ("data", "split", "model", "training"):
        if field := kind.model_fields.get(part):
            for key in field.annotation.model_fields:  # type: ignore[union-attr]
                assert f"| `{part}.{key}` | " in tables


def test_one_key_of_a_part_leaves_the_others_at_their_defaults() -> None:
    data = {"embeddings": "e", "ids": "i", "labels": "l"}
    given = {"task": "genres", "run": "r", "data": data, "training": {"epochs": 5}}
    found = GenreSettings.model_validate(given).training
    assert (found.epochs, found.batch, found.seeds, found.best_by) == (5, 32, (0,), "macro AP")

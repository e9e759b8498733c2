"""Names of runs are short, and stand for one run each."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from preroll.simulations.runs.run_names import names_of

FOLDER = st.lists(st.sampled_from(["a", "b", "greedy"]), min_size=1, max_size=4).map(lambda parts: Path("/", *parts))


@given(paths=st.lists(FOLDER, min_size=1, max_size=5, unique=True))
def test_no_two_runs_have_one_name_and_each_name_is_the_end_of_its_path(paths: list[Path]) -> None:
    names = names_of(paths, taken=["greedy"])
    assert len(set(names)) == len(names)
    assert "greedy" not in names
    assert all(str(path).endswith(name) for path, name in zip(paths, names, strict=True))


def test_a_run_that_is_given_twice_has_its_name() -> None:
    assert names_of([Path("/runs/ppo"), Path("/runs/ppo")]) == ["ppo", "ppo"]

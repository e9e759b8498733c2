"""Check that a trained agent fits a scenario."""

from preroll.envs.model.observation import SessionSpec
from preroll.errors import PrerollError


def check_fit(name: str, made_for: SessionSpec, spec: SessionSpec) -> None:
    """Checks that an agent, which messages call ``name``, was ``made_for`` the observations and ads of ``spec``.

    Raises:
        PrerollError: it was not; the message says what differs.
    """
    for what, theirs, ours in (
        ("ads", made_for.labels, spec.labels),
        ("categories", made_for.categories, spec.categories),
        ("observations", tuple(made_for.layout.parts), tuple(spec.layout.parts)),
        ("size of observations", made_for.layout.size, spec.layout.size),
    ):
        if theirs != ours:
            trained, has = (", ".join(one) if isinstance(one, tuple) else one for one in (theirs, ours))
            raise PrerollError(
                f"agent {name}: was trained with other {what}: {trained}; scenario {spec.name} has {has}"
            )

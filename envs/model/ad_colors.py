"""Colours of the actions of a scenario, the same in every picture."""

from preroll.envs.model.observation import SessionSpec
from preroll.envs.scenario.shades import shaded
from preroll.palette import NO_AD


def ad_colors(spec: SessionSpec) -> tuple[str, ...]:
    """Returns the colour of every action: that of its ad, and grey for "no ad".

    Examples:
        >>> from preroll.envs import Tables
        >>> spec = Tables.compile("fatigue", "demo").spec
        >>> dict(zip(spec.labels, ad_colors(spec)))["none"]
        '#DDDDDD'
    """
    return (*shaded(spec.ads, spec.categories), *([NO_AD] if spec.no_ad else []))

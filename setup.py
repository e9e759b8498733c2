"""List of the packages: ``envs/kernel`` installs as ``preroll.envs.kernel``. All else is in pyproject.toml."""

from setuptools import find_packages, setup

ROOMS = ("agents", "envs", "perception", "simulations")

floor = find_packages(include=["preroll", "preroll.*"], exclude=[f"preroll.{room}*" for room in ROOMS])
rooms = find_packages(include=[*ROOMS, *(f"{room}.*" for room in ROOMS)])
setup(packages=[*floor, *(f"preroll.{package}" for package in rooms)])

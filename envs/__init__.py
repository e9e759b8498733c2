"""preroll.envs."""

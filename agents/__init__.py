"""preroll.agents."""

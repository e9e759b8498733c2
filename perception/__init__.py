"""preroll.perception."""

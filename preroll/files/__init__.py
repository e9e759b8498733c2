"""Files that preroll writes: complete or absent, locked while they are written, and checked when they are read."""

"""A session made visible: the timeline as text, and as a picture."""

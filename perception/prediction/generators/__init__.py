"""Generators of small data sets in the exact file formats, quirks included, whose best reachable score is known."""

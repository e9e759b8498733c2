"""Generators of small data sets in the exact file formats, quirks included, whose best reachable score is known.

Read in this order: yt8m_files → tag_videos → trailers → memorable_clips → ideal → best_reachable.
"""

"""The task ``genres``: genres of movies from the frame embeddings of their trailers.

Read in this order: data → patches → task → report.
"""

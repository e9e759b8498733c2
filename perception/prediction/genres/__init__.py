"""Genres of movies from their trailers."""

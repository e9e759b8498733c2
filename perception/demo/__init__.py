"""The demo videos: drawn objects on backgrounds, encoded as small clips."""

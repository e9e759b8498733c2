"""Many tags for a video, from features of the YouTube-8M kind."""

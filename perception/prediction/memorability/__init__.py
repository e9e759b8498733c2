"""The task ``memorability``: how well a clip is remembered, from captions, audio, C3D features or frames."""

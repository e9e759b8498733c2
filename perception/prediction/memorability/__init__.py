"""How well a clip is remembered, from its features, sound and captions."""

"""Training of the networks shipped with preroll: the classifier and the segmenter."""

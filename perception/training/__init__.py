"""Training of the classifier that is shipped with preroll."""

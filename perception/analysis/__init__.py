"""One video through one network: detector, encoder, and the analysis of all its frames."""

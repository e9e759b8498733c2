"""Analysis of one video with one network: detector, encoder, and the loop over its sampled frames."""

"""Analysis of one video with one network: detector, encoder, and the loop over its sampled frames.

Read in this order: network_input → detector → encoder → analysis → embedding → overlay → plausibility →
readings → card_builder.
"""

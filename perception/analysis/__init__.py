"""Analysis of one video with one network: detector, encoder, and the loop over its sampled frames.

Read in this order: detector → encoder → analysis → embedding → overlay → card_builder.
"""

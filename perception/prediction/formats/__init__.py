"""Strict readers of the input file formats, one module per format.

Read in this order: numbers → plain_pickle → id_tables → clip_table → memorability_csv and embeddings → yt8m.
"""

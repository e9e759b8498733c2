"""The task ``memorability``: how well a clip is remembered, from captions, audio, C3D features or frames.

Read in this order: data → raw_media and log_mel → feature_blocks → tfidf → ridge → models → task → report.
"""

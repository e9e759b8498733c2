"""Training of one agent: the loop, its checkpoints, its learning curves, and the run folder it writes.

Read in this order: session_log → curves → loop → training_result → provenance → checkpoint → run → prepared_training →
training.
"""

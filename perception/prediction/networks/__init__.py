"""Networks of the tasks tags and genres: architectures, training, ensembles and export.

Read in this order: vector_networks and sequence_networks → training_loop → ensemble → export.
"""

"""Networks of the tasks tags and genres: architectures, training, ensembles and export.

Read in this order: vector_networks and sequence_networks → training_loop → ensemble → export.
"""

from preroll.system.memory import NETWORKS, require

require("a network", NETWORKS)  # where torch does not fit, its loader would fail in words of its own

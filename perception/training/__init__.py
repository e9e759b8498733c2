"""Training of the networks shipped with preroll: the classifier and the segmenter.

Read in this order: pictures → network → schedule → classifier → scoring → export; the segmenter has the same steps.
"""

from preroll.system.memory import NETWORKS, require

require("a network", NETWORKS)  # where torch does not fit, its loader would fail in words of its own

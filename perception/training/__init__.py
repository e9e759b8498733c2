"""Training of the networks shipped with preroll: the classifier and the segmenter.

Read in this order: pictures → network → schedule → classifier → scoring → export; the segmenter has the same steps.
"""

"""From the outputs of a network to detections and instances: one network family a file."""

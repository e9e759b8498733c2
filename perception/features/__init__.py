"""From detections to features: importance of classes, categories and nearest neighbours.

Read in this order: importance → folds → categories → neighbors.
"""

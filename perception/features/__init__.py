"""From detections to features: importance of classes, categories and nearest neighbours."""

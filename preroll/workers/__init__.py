"""Child processes and Ray clusters, on which perception and simulations build their workers."""

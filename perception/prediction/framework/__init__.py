"""What the three tasks share: settings, data splits, bad input, and the interface of a task."""

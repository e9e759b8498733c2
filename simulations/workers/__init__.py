"""Worker processes for trainings and for cells of experiments."""

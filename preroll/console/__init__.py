"""What the command line shows and hears: output that cannot fail and folds, signals, errors in one line, near names."""

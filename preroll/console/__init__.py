"""What the command line shows and hears: output that cannot fail, signals, errors in one line, plurals, near names."""

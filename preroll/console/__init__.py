"""What the command line shows and hears: output that cannot fail, signals, errors of writing in one line, plurals."""

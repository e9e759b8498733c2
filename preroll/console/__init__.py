"""What the command line shows and hears: output that cannot fail, signals, and errors of writing in one line."""

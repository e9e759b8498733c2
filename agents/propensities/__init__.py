"""The probability that an ad has the largest of several random values: how Thompson agents know their propensities."""

"""The file formats that predictors read: one file per format, each strict about what it is given."""

"""The networks and linear models of the predictors: one file per family."""

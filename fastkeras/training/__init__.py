"""Compiling, fitting, evaluating and predicting."""

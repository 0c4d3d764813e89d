"""NumPy's functions on tensors, as Keras 3 has them in `keras.ops.numpy`: see topics.py, which puts them here."""

"""The version of the package, as a function: Keras 3's `keras.version()`."""


def version():
    """The version, as text."""
    import fastkeras
    return fastkeras.__version__

"""The spellings of older Keras: the only place that knows them."""

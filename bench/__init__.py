"""Benches: fastkeras beside other engines on the same machine, and its parts one by one. `python -m bench --help`."""
from bench import installed  # noqa: F401  before anything imports fastkeras

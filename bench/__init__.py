"""Benches: fastkeras beside other engines on the same machine, and its parts one by one. `python -m bench --help`."""

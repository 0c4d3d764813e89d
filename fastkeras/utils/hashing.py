"""Digests of files, and whether a file is the one that was meant."""

from __future__ import annotations

import hashlib
import os
from typing import Any

_DIGITS = {'md5': 32, 'sha256': 64}


def algorithm_of(file_hash: Any, algorithm: Any = 'auto') -> Any:
    """'md5' or 'sha256': the algorithm named, or for 'auto' the one whose digests are as long as `file_hash`.

    ValueError for another algorithm, and for a hash that is no digest of it.
    """
    if algorithm not in ('auto', *_DIGITS):
        raise ValueError(f"hash_algorithm: expected 'auto', 'md5' or 'sha256', got {algorithm!r}")
    text = str(file_hash)
    is_hex = all(c in '0123456789abcdefABCDEF' for c in text)
    for name, digits in _DIGITS.items():
        if algorithm in ('auto', name) and is_hex and len(text) == digits:
            return name
    wanted = ' or '.join(f'{digits} hexadecimal digits ({name})' for name, digits in _DIGITS.items()
                         if algorithm in ('auto', name))
    raise ValueError(f'file_hash: expected {wanted}, got {file_hash!r:.80}')


def hash_file(fpath: Any, algorithm: Any = 'sha256', chunk_size: Any = 65535) -> Any:
    """The digest of a file, as lower-case hexadecimal digits. algorithm: 'sha256' ('auto' is the same) or 'md5'.
    chunk_size: bytes read at a time.
    """
    if algorithm not in ('auto', *_DIGITS):
        raise ValueError(f"hash_file: algorithm: expected 'sha256', 'md5' or 'auto', got {algorithm!r}")
    # md5 finds damage here, not forgery; systems that forbid it for security allow it so
    digest = hashlib.new('sha256' if algorithm == 'auto' else algorithm, usedforsecurity=False)
    with open(os.fspath(fpath), 'rb') as file:
        while chunk := file.read(chunk_size):
            digest.update(chunk)
    return digest.hexdigest()


def validate_file(fpath: Any, file_hash: Any, algorithm: Any = 'auto', chunk_size: Any = 65535) -> Any:
    """Whether the digest of a file is `file_hash`, in small or large letters. algorithm: 'md5', 'sha256', or 'auto' to
    tell them apart by length.
    """
    return hash_file(fpath, algorithm_of(file_hash, algorithm), chunk_size) == str(file_hash).lower()

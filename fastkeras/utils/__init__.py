"""Small helpers that several parts share."""

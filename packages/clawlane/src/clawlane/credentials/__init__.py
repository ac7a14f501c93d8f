"""Sealed sessions, consent, and private files."""

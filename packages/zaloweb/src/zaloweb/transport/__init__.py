"""Requests over HTTP: where they go, how they are signed, and how an account logs in."""

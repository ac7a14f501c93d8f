"""One SQLite file and the sealed sessions beside it."""

"""One SQLite file: what an account has read, decided, answered."""

"""The embedded engine: one file, and what is done with it as a file."""

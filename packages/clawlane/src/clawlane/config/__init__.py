"""The configuration: reading it, checking it, and saying where each value came from."""

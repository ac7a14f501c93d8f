"""Which channels exist, which are installed, and how they get there."""

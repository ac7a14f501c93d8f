"""Who gets in and why: pure functions, no I/O."""

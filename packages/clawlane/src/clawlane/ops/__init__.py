"""Every operator action, once."""

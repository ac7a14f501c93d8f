"""What the control interface can do, one module for each part of a story."""

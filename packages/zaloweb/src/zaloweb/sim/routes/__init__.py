"""What the simulator answers, one module for each part of Zalo."""

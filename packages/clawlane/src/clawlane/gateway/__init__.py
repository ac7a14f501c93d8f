"""The process: all accounts, their supervision, the control socket, logging."""

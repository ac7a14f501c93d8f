"""The running gateway, and the socket through which commands reach it."""

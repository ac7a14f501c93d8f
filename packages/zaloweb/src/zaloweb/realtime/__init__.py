"""The WebSocket of an account: a connection, its reconnects, and the stream of their events."""

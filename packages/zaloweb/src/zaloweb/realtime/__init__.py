"""The WebSocket of an account: one connection, its successors, and the stream of events they bring."""

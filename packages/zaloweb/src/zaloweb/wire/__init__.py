"""The wire format: bytes and texts to values and back. Nothing here does I/O or knows of asyncio."""

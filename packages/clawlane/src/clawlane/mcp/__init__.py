"""The MCP server: agents elsewhere read the lane with it and, where they are allowed to, act on it.

Each tool runs operations and gives values; nothing is decided here.
"""

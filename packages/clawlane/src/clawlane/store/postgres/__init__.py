"""The engine for many gateways: one PostgreSQL that all of them write to."""

"""Configuration: schema, reading JSON5, accounts, and where a value came from."""

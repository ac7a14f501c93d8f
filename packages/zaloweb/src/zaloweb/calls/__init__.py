"""Zalo's endpoints, as values: a call says what is sent where and what comes back; `transport` sends it."""

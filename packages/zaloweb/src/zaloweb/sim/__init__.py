"""A Zalo on loopback: TLS for all of Zalo's host names on one port, with an authority made at start."""

"""Requests over HTTP: connections, pacing, and logins."""

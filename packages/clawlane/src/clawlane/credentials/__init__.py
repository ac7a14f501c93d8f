"""Sealed sessions, consent to the risk, takeover marks, and private files."""

"""A rehearsal: the real gateway with the operator's config, a simulator, and a throw-away folder."""

"""The ritual that proves a lane: guided steps, each with evidence taken from the running gateway."""

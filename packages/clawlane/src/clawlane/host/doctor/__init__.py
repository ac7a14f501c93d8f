"""The check-up of a set-up: what is wrong with the config and around it, and what to do about each thing."""

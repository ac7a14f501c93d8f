"""The operator's commands, one file per group, imported when called."""

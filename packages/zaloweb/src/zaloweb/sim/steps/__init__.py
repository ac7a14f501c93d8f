"""The requests of the control interface, one module for each subject."""

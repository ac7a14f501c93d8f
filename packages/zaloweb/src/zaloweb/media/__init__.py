"""Files: uploads, the messages that show them, and downloads."""

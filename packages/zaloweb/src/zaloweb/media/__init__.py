"""Files: uploads and the messages that show them, and downloads of what messages link to."""

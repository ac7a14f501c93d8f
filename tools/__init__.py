"""What the workspace itself needs: nothing of it is installed."""

"""From an admitted message to the replies that were sent."""

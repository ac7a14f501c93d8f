"""The life of one account: admission, turns, sending. Runs without a gateway process."""

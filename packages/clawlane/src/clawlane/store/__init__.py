"""What an account has read, decided, answered: written once for two engines."""

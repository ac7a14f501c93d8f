"""What answers: the contract, and the echo agent."""

"""Agents, which answer messages: the contract, and the echo agent."""

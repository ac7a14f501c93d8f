"""clawlane: a gateway that runs a chat account as a lane for an AI agent."""

__version__ = "0.1.0"

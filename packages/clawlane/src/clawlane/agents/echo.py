"""The agent that needs no model: it says what it was told."""

from __future__ import annotations

from clawlane.agents.contract import TurnInput
from clawlane.messages import Reply


class EchoAgent:
    """Answers with the text of the message, or with the kinds of what came instead of text."""

    async def run(self, turn: TurnInput) -> Reply | None:
        message = turn.message
        if message.text.strip():
            return Reply(message.text)
        kinds = ", ".join(attachment.kind for attachment in message.attachments)
        return Reply(f"({kinds})") if kinds else None

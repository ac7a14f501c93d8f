"""An agent without a model, for trying the gateway: it repeats each message."""

from __future__ import annotations

from clawlane.agents.contract import TurnInput
from clawlane.messages import Reply


class EchoAgent:
    """Answers with the text of the message or, without text, with the kinds of its attachments."""

    async def run(self, turn: TurnInput) -> Reply | None:
        message = turn.message
        if message.text.strip():
            return Reply(message.text, markdown=False)
        kinds = ", ".join(attachment.kind for attachment in message.attachments)
        return Reply(f"({kinds})", markdown=False) if kinds else None

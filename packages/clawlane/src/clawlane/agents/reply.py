"""What an agent wrote, as the reply that people get."""

from __future__ import annotations

from clawlane.agents.answer import CHOSEN_SILENCE, Answer, read_answer
from clawlane.agents.errors import AgentMisconfigured, EmptyAnswer
from clawlane.config.routing import AgentSettings
from clawlane.messages import Reply

LONGEST_REPLY = 40_000
"""Characters: twenty messages of Zalo's length."""


def read_reply(
    raw: str, agent: AgentSettings, model: str = "", tokens: int = 0, *, more: bool = False
) -> Reply | None:
    """The reply in what an agent wrote; None if it chose to be silent.

    Raises `EmptyAnswer` if it wrote nothing for people, and there is not `more` to the reply than this text.
    Raises `AgentMisconfigured` for far too much.
    """
    answer = read_answer(raw)
    if answer is None and more:
        answer = Answer("")
    if answer is None:
        if CHOSEN_SILENCE in raw:
            return None
        raise EmptyAnswer(f"{agent.place}: nothing in the answer is for people")
    if len(answer.text) > LONGEST_REPLY:
        raise AgentMisconfigured(
            f"{agent.place}: the reply has {len(answer.text)} characters, at most {LONGEST_REPLY} are sent;"
            " ask for shorter ones in `instructions`"
        )
    author = agent.settings.identity.name or agent.name
    return Reply(answer.text, author, model, tokens=tokens, media=answer.media)


def remembered(reply: Reply | None) -> str:
    """What an agent is told later that it answered: its text, and what it attached, as it wrote it."""
    if reply is None:
        return CHOSEN_SILENCE
    reaction = [f"({reply.react})"] if reply.react else []
    return "\n".join(filter(None, (reply.text, *(f"MEDIA: {one}" for one in reply.media), *reaction)))

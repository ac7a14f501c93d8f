"""What an agent wrote, as the reply that people get."""

from __future__ import annotations

from dataclasses import replace

from clawlane.agents.answer import CHOSEN_SILENCE, Answer, prefixed, read_answer
from clawlane.agents.contract import Lane
from clawlane.agents.disclosure import marked
from clawlane.agents.errors import AgentMisconfigured, EmptyAnswer
from clawlane.agents.written_answer import WrittenAnswer
from clawlane.config.routing import AgentSettings
from clawlane.messages import Outgoing, Reply, Thread, ThreadKind
from clawlane.store import directory

LONGEST_REPLY = 40_000
"""Characters: twenty messages of Zalo's length."""

LONGEST_ANSWER = 500_000
"""Characters of an answer with its thoughts. Reading them takes a second at worst; all else waits."""

_MOST_REMEMBERED = 10


def read_reply(
    raw: str, agent: AgentSettings, model: str = "", tokens: int = 0, *, more: bool = False
) -> Reply | None:
    """The reply in what an agent wrote; None if it chose to be silent.

    Raises `EmptyAnswer` if it wrote nothing for people, and there is not `more` to the reply than this text.
    Raises `AgentMisconfigured` for far too much.
    """
    if len(raw) > LONGEST_ANSWER:
        raise AgentMisconfigured(
            f"{agent.place}: the answer has {len(raw)} characters, at most {LONGEST_ANSWER} are read"
        )
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


def reply_of(answer: WrittenAnswer, agent: AgentSettings) -> Reply | None:
    """The same for an answer that names attachments and a reaction beside its text."""
    reply = read_reply(answer.text, agent, more=bool(answer.media or answer.react))
    if reply is None:
        return None
    return replace(reply, media=(*reply.media, *answer.media), react=answer.react)


def remembered(reply: Reply | None) -> str:
    """What an agent is told later that it answered: its text, and what it attached, as it wrote it."""
    if reply is None:
        return CHOSEN_SILENCE
    reaction = [f"({reply.react})"] if reply.react else []
    return "\n".join(
        filter(None, (reply.text, *(f"MEDIA: {one}" for one in reply.media[:_MOST_REMEMBERED]), *reaction))
    )


def as_sent(reply: Reply, lane: Lane) -> str:
    """The text of a reply with the account's prefix, as markdown."""
    return prefixed(reply, lane.prefix) if lane.prefix and reply.text else reply.text


async def chunks_of(reply: Reply, thread: Thread, lane: Lane) -> list[Outgoing]:
    """A reply as the channel sends it: with the account's prefix, and mentions of a group's members."""
    reply = replace(reply, text=as_sent(reply, lane))
    whom = ""
    if reply.text or reply.files:
        reply, whom = await lane.discloses.before(reply, thread, lane.account_store)
    if thread.kind is ThreadKind.GROUP and "@" in reply.text:
        people = await lane.account_store.run(directory.members_of, thread.id)
        reply = replace(reply, people=people)
    return marked(lane.channel.plan(lane.account, thread, reply), whom)

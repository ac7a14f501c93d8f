"""Tells people that a program answers them, as a part of what it says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from clawlane.config.choices import Disclosure
from clawlane.language import spoken
from clawlane.messages import Media, Outgoing, Reply, Text, Thread, ThreadKind
from clawlane.store import disclosures
from clawlane.store.account_store import AccountStore
from clawlane.texts import in_each, later

_FIRST = later("This is an automatic reply: a program writes here, not a person.")
_PREFIX = later("[Automatic reply]")


def disclosure_text(mode: Disclosure, language: str, own: str = "") -> str:
    """What is told in an account's language (`vi`, `en-US`); both where it is another or not known."""
    if own:
        return own
    if mode is Disclosure.FIRST:
        return in_each(spoken(language), "\n", _FIRST)
    return in_each(spoken(language), " ", _PREFIX)


@dataclass(slots=True)
class Discloses:
    """How one turn tells it. `sender_id` is whom it answers in `thread`."""

    mode: Disclosure = Disclosure.OFF
    text: str = ""
    sender_id: str = ""
    thread: Thread | None = None
    told: set[str] = field(default_factory=set)
    """Who is told by something of this turn that may not be stored yet."""

    async def before(self, reply: Reply, thread: Thread, account_store: AccountStore) -> tuple[Reply, str]:
        """The reply with the words before it, and who is told by them; empty where nobody is told now."""
        if self.mode is Disclosure.PREFIX:
            return replace(reply, text=f"{self.text} {reply.text}".strip()), ""
        whom = self._whom(thread)
        if self.mode is Disclosure.OFF or whom in self.told:
            return reply, ""
        if not await account_store.run(disclosures.is_due, whom):
            return reply, ""
        self.told.add(whom)
        return replace(reply, text=f"{self.text}\n\n{reply.text}".strip()), whom

    def lead(self, outs: Sequence[Outgoing]) -> str:
        """What `before` has put before the text of these chunks."""
        return lead(self.mode, self.text, whom_told(outs))

    def _whom(self, thread: Thread) -> str:
        """Who reads it: the one who is answered; where somebody else is written to, that person or group."""
        if thread.kind is ThreadKind.DM:
            return thread.id
        return self.sender_id if thread == self.thread and self.sender_id else f"group:{thread.id}"


def lead(mode: Disclosure, text: str, whom: str) -> str:
    """What stands before an answer that tells `whom`, with what parts it from the answer."""
    if mode is Disclosure.PREFIX:
        return f"{text} "
    return f"{text}\n\n" if mode is Disclosure.FIRST and whom else ""


def whom_told(outs: Sequence[Outgoing]) -> str:
    """Who is told by these chunks; empty for nobody."""
    return next((out.discloses for out in outs if isinstance(out, Text | Media) and out.discloses), "")


def marked(outs: list[Outgoing], whom: str) -> list[Outgoing]:
    """Chunks of which the first one with words says whom it tells."""
    for number, out in enumerate(outs):
        if whom and (isinstance(out, Text) or (isinstance(out, Media) and out.caption)):
            return [*outs[:number], replace(out, discloses=whom), *outs[number + 1 :]]
    return outs

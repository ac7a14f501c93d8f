"""A message that was taken back is not answered and not remembered: six stages, five forms, over the wire."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from demo.stage import Gateway, Operator, Simulator
from end_to_end.steps import all_sent, listening, until

pytestmark = pytest.mark.long

OPEN = """{ channels: { zalouser: { dmPolicy: 'open', allowFrom: ['*'], groupPolicy: 'open',
  groupAllowFrom: ['*'], groups: { '*': { requireMention: true } }, pacing: PACING } } }"""
FREE = "{ enabled: false }"
ONE_A_MINUTE = "{ gap: '0s', gapJitter: '0s', thread: { minute: 1 } }"
AUTHOR, OWNER = "recalled by its author", "deleted by the account's owner"
NAMES = ("Ân", "Bảo", "Cúc", "Dũng", "Em")


@dataclass(frozen=True)
class Item:
    """A pushed message: its ids, who wrote it, and the group it was written in."""

    id: int
    client: int
    sender: str
    group: bool = False


Form = tuple[str, Callable[[Item, str], Any], str]


def by_id(item: Item, _: str) -> Any:
    return {"globalMsgId": item.id, "cliMsgId": item.client, "deleteMsg": 1, "srcId": 0, "destId": 0}


def by_client_id(item: Item, _: str) -> Any:
    return {"globalMsgId": 0, "cliMsgId": item.client, "deleteMsg": 1}


def as_text(item: Item, _: str) -> Any:
    return json.dumps(by_id(item, _))


def bare(item: Item, _: str) -> Any:
    return {"globalMsgId": str(item.id), "cliMsgId": str(item.client)}


def as_list(item: Item, thread: str) -> Any:
    entry = {"type": 1, "actionType": 0, "uidFrom": item.sender, "uidTo": thread, "destId": thread}
    return [{**entry, "clientDelMsgId": item.client, "globalDelMsgId": item.id}]


FORMS: tuple[Form, ...] = (
    ("chat.undo", by_id, AUTHOR),
    ("chat.undo", by_client_id, AUTHOR),
    ("chat.undo", as_text, AUTHOR),
    ("chat.undo", bare, AUTHOR),
    ("chat.delete", as_list, OWNER),
)


def up_to(item: Item, thread: str) -> Any:
    """The owner's wish to clear a conversation up to a message."""
    return [{**as_list(item, thread)[0], "type": 2}]


class Lane:
    """A logged-in account that reads raw items from five people, and its store."""

    def __init__(self, operator: Operator, zalo: Simulator, gateway: Gateway, state: Path) -> None:
        self.operator = operator
        self.zalo = zalo
        self.gateway = gateway
        self._state = state
        world = zalo.world()
        self.me = world["accounts"][0]["uid"]
        self.group = world["groups"][0]["gid"]
        self.people = [str(zalo.do("/person", name=name)["uid"]) for name in NAMES]
        self._last_id = 7_000_000_000_000

    def start(self, pacing: str = FREE) -> None:
        (self._state / "config.json5").write_text(OPEN.replace("PACING", pacing))
        listening(self.gateway)

    def item(self, sender: str, *, group: bool = False) -> Item:
        """The ids of a message that is still to be pushed."""
        self._last_id += 1
        return Item(self._last_id, self._last_id + 5_000_000, sender, group)

    def push(self, item: Item, content: object, msg_type: str = "webchat", **more: object) -> None:
        self.push_frame([self.raw(item, content, msg_type, **more)], group=item.group)

    def push_frame(self, items: Sequence[Mapping[str, object]], *, group: bool = False) -> None:
        """Items as Zalo writes them, in one frame."""
        name, cmd = ("groupMsgs", 521) if group else ("msgs", 501)
        self.zalo.do("/push", cmd=cmd, data={name: list(items)})

    def raw(
        self, item: Item, content: object, msg_type: str = "webchat", **more: object
    ) -> dict[str, object]:
        return {
            "msgId": str(item.id),
            "cliMsgId": str(item.client),
            "ts": str(time.time_ns() // 1_000_000),
            "uidFrom": item.sender,
            "idTo": self.group if item.group else self.me,
            "dName": "ai đó",
            "msgType": msg_type,
            "content": content,
            **more,
        }

    def say(self, sender: str, text: str, *, group: bool = False, **more: object) -> Item:
        item = self.item(sender, group=group)
        self.push(item, text, **more)
        return item

    def called(self, sender: str) -> str:
        """Somebody mentions the account in the group: what its agent was given."""
        mention = [{"uid": self.me, "pos": 0, "len": 4, "type": 0}]
        self.say(sender, "@bot go", group=True, mentions=mention)
        return self.gateway.said("@bot go")

    def take_back(self, item: Item, form: Form = FORMS[0]) -> None:
        msg_type, content, told = form
        author = item.sender if told is AUTHOR else "0"
        carrier = self.item(author, group=item.group)
        parties = {"idTo": self.group if item.group else item.sender} if author == "0" else {}
        thread = self.group if item.group else item.sender
        self.push(carrier, content(item, thread), msg_type, **parties)

    def answered(self, sender: str, text: str) -> None:
        self.zalo.wait("sent", lambda one: one["text"] == f"echo: {text}" and one["thread_id"] == sender)

    def waits_to_leave(self, text: str) -> None:
        until(lambda: text in self.operator.run("outbox", "list", "--json").stdout)

    def printed(self) -> str:
        return "\n".join(line for line in self.gateway.printed() if line.startswith("TURN "))

    def why(self, item: Item) -> str:
        return self.operator.run("why", str(item.id)).stdout

    def is_forgotten(self, *texts: str) -> None:
        """The store's files hold none of these, and nothing of it was ever sent."""
        until(lambda: not [text for text in texts if text.encode() in self._stored()])
        assert not [one for one in all_sent(self.zalo) if any(text in one for text in texts)]

    def _stored(self) -> bytes:
        files = sorted(self._state.glob("**/*.db*")) + sorted(self._state.glob("**/*.sqlite*"))
        assert files
        return b"".join(file.read_bytes() for file in files)


def secret(number: int) -> str:
    return f"thecard4111-{number}"


@pytest.fixture
def lane(linked: Operator, zalo: Simulator, recording: Gateway, state: Path) -> Lane:
    return Lane(linked, zalo, recording, state)


def test_while_it_waits(lane: Lane) -> None:
    lane.start()
    for number, (person, form) in enumerate(zip(lane.people, FORMS, strict=True)):
        before = lane.say(person, f"WAIT {number}")
        lane.gateway.said(f"WAIT {number}")
        item = lane.say(person, secret(number))
        lane.take_back(item, form)
        lane.take_back(before)
        lane.say(person, f"after {number}")
        lane.answered(person, f"after {number}")
        assert form[2] in lane.why(item)
        assert "recalled" in lane.why(before)
    lane.is_forgotten(*map(secret, range(len(FORMS))))
    assert "thecard" not in lane.printed()


def test_while_the_agent_has_it(lane: Lane) -> None:
    lane.start()
    for number, (person, form) in enumerate(zip(lane.people, FORMS, strict=True)):
        item = lane.say(person, f"WAIT {secret(number)}")
        lane.gateway.said(secret(number))
        lane.take_back(item, form)
        lane.say(person, f"after {number}")
        lane.answered(person, f"after {number}")
        assert form[2] in lane.why(item)
    lane.is_forgotten(*map(secret, range(len(FORMS))))


def test_while_its_reply_waits_to_leave(lane: Lane) -> None:
    lane.start(ONE_A_MINUTE)
    for number, (person, form) in enumerate(zip(lane.people, FORMS, strict=True)):
        lane.say(person, f"before {number}")
        lane.answered(person, f"before {number}")
        item = lane.say(person, secret(number))
        lane.waits_to_leave(secret(number))
        lane.take_back(item, form)
        until(lambda item=item: "not sent" in lane.why(item))  # type: ignore[misc]
        assert f"{form[2]}: not sent" in lane.why(item)
    lane.is_forgotten(*map(secret, range(len(FORMS))))


def test_while_it_is_pending_in_a_group(lane: Lane) -> None:
    lane.start()
    for number, (person, form) in enumerate(zip(lane.people, FORMS, strict=True)):
        item = lane.say(person, secret(number), group=True)
        lane.say(person, f"kept {number}", group=True)
        lane.take_back(item, form)
        mention = [{"uid": lane.me, "pos": 0, "len": 4, "type": 0}]
        lane.say(person, f"@bot {number}", group=True, mentions=mention)
        line = lane.gateway.said(f"@bot {number}")
        assert f"kept {number}" in line
        assert secret(number) not in line
        assert form[2] in lane.why(item)
    lane.is_forgotten(*map(secret, range(len(FORMS))))


def test_while_it_is_undecided(lane: Lane) -> None:
    lane.start()
    for number, (person, form) in enumerate(zip(lane.people, FORMS, strict=True)):
        item = lane.item(person)
        params = json.dumps(
            {"group_layout_id": f"17560000{number}", "id_in_group": 0, "total_item_in_group": 2}
        )
        photo = {"title": secret(number), "href": "https://cdn.example/1.jpg", "params": params}
        lane.push(item, photo, "chat.photo")
        lane.take_back(item, form)
        lane.say(person, f"after {number}")
        lane.answered(person, f"after {number}")
        assert form[2] in lane.why(item)
    lane.is_forgotten(*map(secret, range(len(FORMS))))
    assert "thecard" not in lane.printed()


def test_before_it_comes(lane: Lane) -> None:
    lane.start()
    for number, (person, form) in enumerate(zip(lane.people, FORMS, strict=True)):
        item = lane.item(person)
        lane.take_back(item, form)
        lane.push(item, secret(number))
        lane.say(person, f"after {number}")
        lane.answered(person, f"after {number}")
        assert form[2] in lane.why(item)
    lane.is_forgotten(*map(secret, range(len(FORMS))))
    assert "thecard" not in lane.printed()


def test_only_the_author_recalls_a_message(lane: Lane) -> None:
    lane.start(ONE_A_MINUTE)
    author, other = lane.people[:2]
    lane.say(author, "before")
    lane.answered(author, "before")
    item = lane.say(author, "stays")
    lane.waits_to_leave("stays")
    false = lane.item(other)
    lane.push(false, by_id(item, author), "chat.undo")
    lane.say(other, "after")
    lane.answered(other, "after")
    assert "recalled" not in lane.why(item)


def test_a_cleared_conversation_is_cleared_up_to_the_message_that_is_named(lane: Lane) -> None:
    lane.start()
    first, second = lane.people[:2]
    lane.say(first, secret(1), group=True)
    item = lane.say(second, secret(2), group=True)
    lane.say(first, "said later", group=True)
    lane.push(lane.item("0", group=True), up_to(item, lane.group), "chat.delete")
    line = lane.called(first)
    assert "said later" in line
    assert "thecard" not in line
    lane.is_forgotten(secret(1), secret(2))


def test_a_conversation_that_is_cleared_while_its_messages_wait_for_older_ones(lane: Lane) -> None:
    """What the owner did is taken at once, ahead of messages that wait, and then counts for those too."""
    lane.zalo.do("/fault", does="swapped", event="old", times=2)
    lane.start()
    first, second = lane.people[:2]
    early, item, late = (lane.item(one, group=True) for one in (first, second, first))
    frame = [
        lane.raw(early, secret(1)),
        lane.raw(item, secret(2)),
        lane.raw(lane.item("0", group=True), up_to(item, lane.group), "chat.delete"),
        lane.raw(late, "said later"),
    ]
    lane.push_frame(frame, group=True)
    line = lane.called(first)
    assert "said later" in line
    assert "thecard" not in line
    lane.is_forgotten(secret(1), secret(2))

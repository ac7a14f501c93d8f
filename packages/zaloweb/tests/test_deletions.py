"""Recalls and deletions, in every form in which clients met them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from packages.zaloweb.tests.wire_items import ALICE, BOB, GROUP, OWN, heard, item

from zaloweb.events import DeletedMessage, Deletion, Message, Thread, ThreadKind, Undecodable, Undo

BIG, CLIENT = 9007199254740993, 1790000000333
ENTRY = {
    "type": 1,
    "actionType": 0,
    "uidFrom": ALICE,
    "uidTo": "0",
    "clientDelMsgId": CLIENT,
    "globalDelMsgId": BIG,
    "destId": OWN,
}


def recall(**ids: object) -> dict[str, Any]:
    return {"deleteMsg": 1, "srcId": 0, "destId": 0, **ids}


@pytest.mark.parametrize(
    ("content", "ids"),
    [
        (recall(globalMsgId=BIG, cliMsgId=CLIENT), (str(BIG), str(CLIENT))),
        (recall(globalMsgId=str(BIG), cliMsgId=None), (str(BIG), "")),
        (recall(globalMsgId=0, cliMsgId=CLIENT), ("", str(CLIENT))),
        (recall(globalMsgId="0", cliMsgId=str(CLIENT)), ("", str(CLIENT))),
        (recall(globalMsgId="", cliMsgId=CLIENT), ("", str(CLIENT))),
        (recall(globalMsgId=None, cliMsgId=CLIENT), ("", str(CLIENT))),
        (recall(cliMsgId=CLIENT), ("", str(CLIENT))),
        (recall(globalMsgID=BIG, cliMsgID=CLIENT), (str(BIG), str(CLIENT))),
        ({"globalMsgId": BIG}, (str(BIG), "")),
        ({"globalMsgId": BIG, "deleteMsg": None}, (str(BIG), "")),
    ],
)
@pytest.mark.parametrize("wrapped", [0, 1, 2])
def test_a_recall_names_its_message(content: Any, ids: tuple[str, str], wrapped: int) -> None:
    for _ in range(wrapped):
        content = json.dumps(content)
    undo = heard(item(content, "chat.undo", msgId="77"))
    assert isinstance(undo, Undo)
    assert (undo.msg_id, undo.cli_msg_id, undo.actor_id) == (*ids, ALICE)


@pytest.mark.parametrize("msg_type", ["chat.delete", "webchat", None, "chat.new"])
def test_the_key_alone_makes_a_recall(msg_type: object) -> None:
    assert isinstance(heard(item(recall(globalMsgId=BIG), msg_type)), Undo)


@pytest.mark.parametrize(
    "content", [None, "", "chữ", 5, [], {}, recall(), recall(globalMsgId=0, cliMsgId="0")]
)
def test_a_recall_of_nothing_is_told_as_unreadable(content: object) -> None:
    bad = heard(item(content, "chat.undo"))
    assert isinstance(bad, Undecodable)
    assert bad.reason == "a recall that names no message"
    assert (bad.thread, bad.sender_id) == (Thread(ThreadKind.USER, ALICE), ALICE)


def test_a_recall_that_somebody_typed_is_a_text() -> None:
    assert isinstance(heard(item(json.dumps(recall(globalMsgId=BIG)))), Message)


@pytest.mark.parametrize(
    "content",
    [
        [ENTRY],
        ENTRY,
        {"action": 1, "type": 0, "customMsg": "x", "contents": [ENTRY]},
        {"action": 1, "contents": json.dumps([ENTRY])},
        [None, ENTRY, "x", {"type": 1}],
    ],
)
@pytest.mark.parametrize("msg_type", ["chat.delete", "chat.new"])
@pytest.mark.parametrize("wrapped", [0, 1, 2])
def test_a_deletion_names_its_messages(content: Any, msg_type: str, wrapped: int) -> None:
    for _ in range(wrapped):
        content = json.dumps(content)
    deletion = heard(item(content, msg_type))
    assert isinstance(deletion, Deletion)
    alice = Thread(ThreadKind.USER, ALICE)
    assert deletion.entries == (DeletedMessage(alice, ALICE, str(BIG), str(CLIENT)),)


def test_a_list_is_one_event_with_an_entry_for_each() -> None:
    listed = [ENTRY, {**ENTRY, "globalDelMsgId": 5}, {**ENTRY, "globalDelMsgId": 0, "clientDelMsgId": 6}]
    deletion = heard(item(listed, "chat.delete"))
    assert isinstance(deletion, Deletion)
    ids = [(one.msg_id, one.cli_msg_id) for one in deletion.entries]
    assert ids == [(str(BIG), str(CLIENT)), ("5", str(CLIENT)), ("", "6")]


@pytest.mark.parametrize(
    ("changes", "group", "thread", "author", "whole"),
    [
        ({"uidFrom": "0", "uidTo": ALICE, "destId": ALICE}, False, ALICE, OWN, False),
        ({"uidFrom": 0, "uidTo": None, "destId": ALICE}, False, ALICE, OWN, False),
        ({"uidFrom": OWN, "uidTo": BOB, "destId": BOB}, False, BOB, OWN, False),
        ({"uidFrom": "0", "uidTo": None, "destId": None}, False, ALICE, OWN, False),
        ({"type": 2, "globalDelMsgId": 0}, False, ALICE, ALICE, True),
        ({"type": "2"}, False, ALICE, ALICE, True),
        ({"type": 3, "uidTo": GROUP, "destId": GROUP}, True, GROUP, ALICE, False),
        ({"type": 4, "uidTo": GROUP, "destId": GROUP}, True, GROUP, ALICE, True),
        ({"type": 3, "uidTo": None, "destId": None}, True, GROUP, ALICE, False),
        ({"type": 3, "uidTo": GROUP, "destId": GROUP}, False, GROUP, ALICE, False),
        ({"type": None, "uidTo": GROUP, "destId": GROUP}, True, GROUP, ALICE, False),
        ({"type": 1, "uidTo": GROUP, "destId": GROUP}, True, GROUP, ALICE, False),
        ({"uidFrom": None}, False, ALICE, "", False),
    ],
)
def test_an_entry_tells_thread_and_author(
    changes: dict[str, object], group: bool, thread: str, author: str, whole: bool
) -> None:
    deletion = heard(item([{**ENTRY, **changes}], "chat.delete"), group=group)
    assert isinstance(deletion, Deletion)
    (entry,) = deletion.entries
    in_group = ThreadKind.GROUP if thread == GROUP else ThreadKind.USER
    assert (entry.thread, entry.author_id, entry.whole_thread) == (Thread(in_group, thread), author, whole)


@pytest.mark.parametrize("content", [None, "", "chữ", [], {}, [1], [{"type": 1}], {"contents": []}])
def test_a_deletion_of_nothing_is_told_as_unreadable(content: object) -> None:
    bad = heard(item(content, "chat.delete"))
    assert isinstance(bad, Undecodable)
    assert bad.reason == "a deletion that names no message"

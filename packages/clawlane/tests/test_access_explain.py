"""Decisions in words: what `why`, `policy explain`, the log and `--json` say."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from clawlane.access.decision import Decision, Outcome, Reason, Rule
from clawlane.access.explain import as_dict, explain
from clawlane.messages import Thread, ThreadKind

ALICE = "1471383327500481391"
GROUP, DIRECT = Thread(ThreadKind.GROUP, "777"), Thread(ThreadKind.DM, ALICE)
CHANNEL = "channels.zalouser"


def drop(reason: Reason, key: str, line: int | None = None) -> Decision:
    origin = "channel" if line else "built-in"
    return Decision(Outcome.DROP, reason, Rule(f"{CHANNEL}.{key}", origin, line))


@pytest.mark.parametrize(
    ("decision", "thread", "sentence", "change"),
    [
        (
            drop(Reason.DM_NOT_ALLOWLISTED, "allowFrom", 4),
            DIRECT,
            f"Only senders in {CHANNEL}.allowFrom (line 4) may write, and {ALICE} is not in it.",
            f"{CHANNEL}.allowFrom: add '{ALICE}'",
        ),
        (
            drop(Reason.GROUP_NO_ALLOWLIST, "groups"),
            GROUP,
            f"Only groups in {CHANNEL}.groups (built-in) are listened to, and it lists none.",
            f"{CHANNEL}.groups['777']: {{}}",
        ),
        (
            drop(Reason.GROUP_NOT_ALLOWLISTED, "groups", 6),
            GROUP,
            f"Only groups in {CHANNEL}.groups (line 6) are listened to, and 777 is none.",
            f"{CHANNEL}.groups['777']: {{}}",
        ),
        (
            drop(Reason.GROUP_ENTRY_DISABLED, "groups['Work Chat'].allow", 7),
            GROUP,
            f"{CHANNEL}.groups['Work Chat'].allow (line 7) closes the group 777.",
            f"{CHANNEL}.groups['Work Chat'].allow: true",
        ),
        (
            drop(Reason.GROUP_SENDER_LIST_EMPTY, "groupAllowFrom"),
            GROUP,
            f"{CHANNEL}.groupAllowFrom (built-in) lists nobody who may write in groups.",
            f"{CHANNEL}.groupAllowFrom: ['*']",
        ),
        (
            drop(Reason.GROUP_SENDER_NOT_ALLOWED, "groupAllowFrom", 5),
            GROUP,
            f"The sender {ALICE} is not in {CHANNEL}.groupAllowFrom (line 5).",
            f"{CHANNEL}.groupAllowFrom: add '{ALICE}'",
        ),
        (
            replace(
                drop(Reason.MENTION_REQUIRED, "groups['*'].requireMention", 7),
                outcome=Outcome.PEND,
                keep_as_history=True,
            ),
            GROUP,
            f"The group 777 has to mention the account, by {CHANNEL}.groups['*'].requireMention (line 7), "
            "and the message does not. It is kept as context for the group's next answer.",
            f"{CHANNEL}.groups['777'].requireMention: false",
        ),
        (
            Decision(
                Outcome.ADMIT,
                Reason.GROUP_ADMITTED,
                Rule(f"{CHANNEL}.groups['*'].requireMention"),
                ("route", "mention:quote"),
            ),
            GROUP,
            "Group and sender may speak to the account, and the message quotes one of its messages.",
            "",
        ),
        (
            Decision(
                Outcome.ADMIT,
                Reason.GROUP_ADMITTED,
                Rule(f"{CHANNEL}.groups['777'].requireMention", "channel", 9),
                ("route", "mention:not_needed"),
            ),
            GROUP,
            "Group and sender may speak to the account, and "
            f"{CHANNEL}.groups['777'].requireMention (line 9) asks for no mention.",
            "",
        ),
    ],
)
def test_a_decision_in_one_sentence(decision: Decision, thread: Thread, sentence: str, change: str) -> None:
    told = explain(decision, ALICE, thread)
    assert (told.sentence, told.change) == (sentence, change)


@pytest.mark.parametrize("reason", list(Reason))
@pytest.mark.parametrize("thread", [GROUP, DIRECT])
def test_every_reason_has_a_sentence_without_gaps(reason: Reason, thread: Thread) -> None:
    told = explain(drop(reason, "someKey", 3), "", thread)
    assert told.sentence.endswith(".")
    assert "{" not in told.sentence
    assert "\n" not in str(told)


def test_what_a_stranger_writes_into_an_id_is_not_read_as_a_template() -> None:
    told = explain(drop(Reason.OWN_ACCOUNT, "x"), "{path} {0}", DIRECT)
    assert told.sentence == "The sender {path} {0} is another account of this gateway."


def test_as_json_it_is_the_decision_and_the_same_words() -> None:
    decision = drop(Reason.GROUP_SENDER_NOT_ALLOWED, "groupAllowFrom", 5)
    decision = replace(decision, trail=("policy:allowlist", "entry:777", "route"))
    told = explain(decision, ALICE, GROUP)
    assert json.loads(json.dumps(as_dict(decision, ALICE, GROUP))) == {
        "outcome": "drop",
        "reason": "group_sender_not_allowed",
        "rule": {"path": f"{CHANNEL}.groupAllowFrom", "origin": "channel", "line": 5, "text": None},
        "revision": None,
        "trail": ["policy:allowlist", "entry:777", "route"],
        "mention": None,
        "command": None,
        "kept_as_history": False,
        "sentence": told.sentence,
        "change": told.change,
    }

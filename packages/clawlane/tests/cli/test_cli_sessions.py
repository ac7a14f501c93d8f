"""`sessions`: what agents remember, listed, shown and forgotten from the terminal."""

from __future__ import annotations

import asyncio

import pytest

from clawlane.access.decision import Decision, Outcome, Reason, Rule
from clawlane.cli.output import columns
from clawlane.config.choices import PairingReply
from clawlane.messages import Attachment, Inbound, Text, Thread, ThreadKind
from clawlane.store import inbox, sessions, turns
from clawlane.store.database import open_store
from clawlane.store.models import AdmittedMessage, History, NewMessage

NOW = 1_700_000_000_000
ADMIT = Decision(Outcome.ADMIT, Reason.DM_OPEN, Rule("dmPolicy", "channel"))
PEND = Decision(Outcome.PEND, Reason.MENTION_REQUIRED, Rule("groups"), keep_as_history=True)
GROUP, DM = Thread(ThreadKind.GROUP, "55"), Thread(ThreadKind.DM, "11")

ONE_OR_ALL = "name one conversation with --thread, or all of them with --all"


def remember(perch, thread: Thread, text: str, answer: str, *, agent: str = "main", before: str = "") -> None:
    """A turn that an agent remembers, as a gateway leaves it behind."""

    def new(text: str, decision: Decision) -> NewMessage:
        inbound = Inbound(
            "default", f"m{text}", thread, "11", "Lan \x1b[31m", text, NOW, attachments=(Attachment("photo"),)
        )
        return NewMessage(inbound, decision, PairingReply.CODE, NOW, history_limit=9)

    async def talk() -> None:
        paths = perch.paths
        async with (
            open_store(paths.store, paths.lock_file, lambda: NOW) as opened,
            opened.own("parrot/default") as account_store,
        ):
            arrivals = [new(before, PEND)] if before else []
            *_, admitted = await account_store.run(inbox.admit_all, [*arrivals, new(text, ADMIT)])
            assert isinstance(admitted, AdmittedMessage)
            started = await account_store.run(turns.start, admitted.seq, History.INCLUDE)
            assert started is not None
            run = (admitted.seq, started.run)
            await account_store.run(sessions.begin, agent, thread, *run, lambda _last, _now: False)
            await account_store.run(sessions.answered, *run, answer)
            await account_store.run(turns.reply, admitted.seq, [Text(thread, answer)], started.run)

    asyncio.run(talk())


def test_without_any_session_there_is_nothing_to_see(perch) -> None:
    assert perch("sessions list").out == "No agent remembers anything.\n"
    assert perch("sessions list --json").json == [{"ok": True, "sessions": []}]
    assert perch("sessions reset --all").out == "No agent remembers anything.\n"


def test_the_list_says_who_remembers_how_much(perch) -> None:
    remember(perch, DM, "hi", "hello")
    remember(perch, DM, "again", "yes")
    [listed] = perch("sessions list --json").json[0]["sessions"]
    assert (listed["account"], listed["agent"], listed["thread"], listed["turns"]) == (
        "parrot/default",
        "main",
        "dm:11",
        2,
    )
    assert "hello" not in perch("sessions list").out
    perch.setenv("COLUMNS", "80")
    heads, row, *rest = perch("sessions list").out.splitlines()
    assert heads.split() == ["THREAD", "NAME", "AGENT", "TURNS", "LAST"]
    assert (row.split()[:2], "main" in row) == (["dm:11", "Lan"], True)
    assert rest == [
        "",
        "Read one: openclaw sessions show THREAD",
        "Make the agent forget it: openclaw sessions reset --thread THREAD",
    ]


@pytest.mark.parametrize("name", ["group:55", "55"])
def test_a_conversation_is_shown_with_who_said_what(perch, name: str) -> None:
    remember(perch, GROUP, "what now\n\nnext", "this " * 40, before="chatter")
    perch.setenv("COLUMNS", "80")
    told = perch(f"sessions show {name}")
    assert told.code == 0
    lines = told.out.splitlines()
    assert all(columns(line) <= 80 for line in lines)
    assert "\x1b" not in told.out
    assert lines[0] == "main in group:55 (parrot/default)"
    heads = [line for line in lines if line.endswith(":")]
    assert [head.split(" ", 2)[2] for head in heads[:2]] == [
        "Lan [31m (11) (to the group):",
        "Lan [31m (11):",
    ]
    assert "  chatter" in lines
    assert "  attached: photo" in lines
    assert lines[-1] == "  (not sent yet)"
    [shown] = perch(f"sessions show {name} --json").json
    [turn] = shown["turns"]
    assert [one["text"] for one in (*turn["history"], *turn["messages"])] == ["chatter", "what now\n\nnext"]
    assert turn["answer"] == "this " * 40


def test_one_conversation_is_forgotten_or_all_of_them(perch) -> None:
    remember(perch, DM, "hi", "hello")
    remember(perch, GROUP, "all", "hello")
    told = perch("sessions reset --thread 11")
    assert told.out == "main has forgotten 1 turn of dm:11 (parrot/default).\n"
    assert perch("sessions show dm:11").code == 1
    [done] = perch("sessions reset --all --json").json
    assert done["reset"] == [
        {"account": "parrot/default", "agent": "main", "thread": "group:55", "forgotten": 1}
    ]
    assert perch("sessions list").out == "No agent remembers anything.\n"


def test_two_agents_that_remember_one_thread_are_told_apart(perch) -> None:
    remember(perch, DM, "one", "from main")
    remember(perch, DM, "two", "from other", agent="other")
    told = perch("sessions show 11")
    assert told.code == 1
    assert told.err.count("\n") == 1
    assert "main on parrot/default, other on parrot/default" in told.err
    assert "from other" in perch("sessions show 11 --agent other").out
    assert perch("sessions reset --thread 11 --agent other").code == 0
    assert "from main" in perch("sessions show 11").out


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("sessions reset", "name one conversation with --thread, or all of them with --all"),
        (
            "sessions reset --all --thread 11",
            "name one conversation with --thread, or all of them with --all",
        ),
        ("sessions show", "Missing argument 'THREAD'"),
        ("sessions show dm:nobody", "no agent remembers anything of a thread 'dm:nobody'"),
        ("sessions reset --thread x --agent y", "agent 'y' remembers nothing of a thread 'x'"),
        ("sessions list --account none", "parrot has no account 'none'"),
        ("sessions list --channel none", "none"),
    ],
)
def test_bad_input_is_one_line(perch, line: str, words: str) -> None:
    told = perch(line)
    assert told.code != 0
    assert words in told.err
    assert told.err.count("\n") == 1

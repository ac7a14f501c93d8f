"""`rehearse --interactive`: be anybody and write, and see what is decided and what leaves."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import click

from clawlane.capabilities import CastError, Figure
from clawlane.cli.output import echo_wrapped, print_table
from clawlane.cli.rehearsal_words import fate_lines, show_left
from clawlane.ops.client import ControlError
from clawlane.ops.pairing import Approve, Requests
from clawlane.rehearsal.errors import RehearsalError
from clawlane.rehearsal.scenario import STOCK, Outcome
from clawlane.rehearsal.stage import Stage
from clawlane.texts import later, t, told
from clawlane.words.strangers import printable, sanitize

_HELP = (
    (later("text"), later("write it")),
    (later("/as NAME"), later("be somebody else; a new name is a new stranger")),
    (later("/friend NAME"), later("be a new friend")),
    (later("/group NAME"), later("write in a group, a new one if there is none of that name; /dm leaves it")),
    (later("/mention TEXT"), later("write it with a mention of the account")),
    ("/approve", later("approve who you are")),
    ("/who", later("list accounts, people and groups")),
    ("/why", later("explain the last decision again")),
    ("/cut", later("cut the account's connection")),
    ("/quit", later("leave; so does Ctrl-D")),
)
_KINDS = {"account": later("account"), "person": later("person"), "group": later("group")}
_LONGEST = 20_000
_WATCH_S = 30.0

Ask = Callable[[str], Awaitable[str]]
"""Gives the next line for a prompt. Raises `EOFError` after the last."""


async def converse(stage: Stage) -> None:
    """Until there are no more lines. Errors are told, and the conversation goes on."""
    talk = _Talk(stage)
    await talk.begin()
    async with _lines() as ask, _watching(talk):
        while True:
            try:
                line = (await ask(talk.prompt)).strip()
            except (EOFError, KeyboardInterrupt):
                return
            if line in ("/quit", "/exit"):
                return
            if line:
                await talk.hear(line[:_LONGEST])


@asynccontextmanager
async def _watching(talk: _Talk) -> AsyncIterator[None]:
    """Meanwhile what leaves by itself is shown as it comes."""
    watch = asyncio.create_task(talk.watch())
    try:
        yield
    finally:
        watch.cancel()
        await asyncio.wait([watch])


class _Talk:
    """Who somebody is at the moment, and where they write."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._account = stage.account()
        self._who = Figure("person", "", "")
        self._group: Figure | None = None
        self._last = ""
        self._names: dict[str, str] = {}
        self._shown = 0
        self._turn = asyncio.Lock()
        self._members: dict[str, set[str]] = {}
        self._commands: dict[str, Callable[[str], Awaitable[None]]] = {
            "/as": self._be,
            "/friend": self._befriend,
            "/group": self._enter,
            "/dm": self._leave,
            "/mention": self._mention,
            "/approve": self._approve,
            "/who": self._list,
            "/why": self._why,
            "/cut": self._cut,
            "/help": self._help,
        }

    @property
    def prompt(self) -> str:
        where = t(" in {group}", group=sanitize(self._group.name, 30)) if self._group else ""
        return f"{sanitize(self._who.name, 30)}{where}> "

    async def begin(self) -> None:
        stranger = STOCK["stranger"]
        await self._be(stranger.name)
        us = self._stage.figures[self._account.id]
        echo_wrapped(t("The account is {name}. Write something to it, or /help.", name=us.name))

    async def hear(self, line: str) -> None:
        """Do what a line says."""
        command, _, rest = line.partition(" ")
        try:
            async with self._turn:
                await self._act(line, command, rest.strip())
                await self._show_late()
        except (CastError, ControlError, RehearsalError) as error:
            echo_wrapped(t("error: {line}", line=told(error)))

    async def watch(self) -> None:
        """Show what leaves while nobody writes, such as a reply that was held."""
        with suppress(CastError):  # whoever writes next is told
            while True:
                await self._stage.cast.seen(self._stage.last, _WATCH_S)
                async with self._turn:
                    await self._show_late()

    async def _act(self, line: str, command: str, rest: str) -> None:
        if act := self._commands.get(command):
            await act(rest)
        else:  # the gateway has commands of its own, such as /stop
            await self._write(line, mention=False)

    async def _write(self, text: str, *, mention: bool) -> None:
        stage, group = self._stage, self._group.id if self._group else ""
        await self._show_late()
        before = stage.last
        self._last = await stage.cast.write(self._account, self._who.id, text, group=group, mention=mention)
        fate = await stage.fate(self._account, self._last)
        if fate.outcome is Outcome.CHALLENGED:
            await stage.challenge_left(fate, before)
        for line in fate_lines([fate]):
            echo_wrapped(line, "  ", "    ")

    async def _show_late(self) -> None:
        """What has left since the last look."""
        await self._stage.look()
        await self._name_everybody()
        show_left(self._stage.left(self._shown), self._names)
        self._shown = self._stage.last

    async def _name_everybody(self) -> list[Figure]:
        figures = await self._stage.cast.everybody()
        self._names = {one.id: one.name for one in figures}
        return figures

    async def _find(self, kind: str, name: str) -> Figure | None:
        figures = await self._name_everybody()
        return next((one for one in figures if one.kind == kind and name in (one.id, one.name)), None)

    async def _be(self, name: str) -> None:
        if not name:
            raise RehearsalError(t("/as needs a name; /who lists who is there"))
        found = await self._find("person", name)
        uid = found.id if found else await self._stage.cast.person(name, account=self._account)
        self._who = found or Figure("person", uid, name)
        await self._join()

    async def _befriend(self, name: str) -> None:
        if not name:
            raise RehearsalError(t("/friend needs a name"))
        uid = await self._stage.cast.person(name, friend=True, account=self._account)
        self._who = Figure("person", uid, name)
        await self._join()

    async def _enter(self, name: str) -> None:
        if not name:
            raise RehearsalError(t("/group needs a name; /who lists what is there"))
        self._group = await self._find("group", name)
        if self._group is None:
            gid = await self._stage.cast.group(name, [self._who.id], account=self._account)
            self._group = Figure("group", gid, name)
        await self._join()

    async def _join(self) -> None:
        """Become a member of the group one writes in."""
        if self._group is not None and self._who.id not in self._members.setdefault(self._group.id, set()):
            joins = {"group": self._group.id, "person": self._who.id}
            with suppress(CastError):  # is in there already
                await self._stage.cast.act(self._account, "join", joins)
            self._members[self._group.id].add(self._who.id)

    async def _leave(self, _rest: str) -> None:
        self._group = None

    async def _mention(self, text: str) -> None:
        if self._group is None:
            raise RehearsalError(t("a mention needs a group: /group NAME"))
        await self._write(text or "?", mention=True)

    async def _approve(self, _rest: str) -> None:
        waiting = await self._stage.ask(Requests(self._account.channel, self._account.id))
        request = next((one for one in waiting if one.sender_id == self._who.id), None)
        if request is None:
            raise RehearsalError(t("{name} does not wait for an approval", name=self._who.name))
        await self._stage.ask(Approve(self._account.channel, request.code, self._account.id))
        echo_wrapped(t("{name} is approved.", name=sanitize(self._who.name)), "  ")

    async def _list(self, _rest: str) -> None:
        rows = [
            (t(_KINDS.get(one.kind, one.kind)), sanitize(one.name), one.id, sanitize(t(one.about)))
            for one in await self._name_everybody()
        ]
        print_table((t("WHAT"), t("NAME"), t("ID"), t("ABOUT")), rows)

    async def _why(self, _rest: str) -> None:
        if not self._last:
            raise RehearsalError(t("nothing has been written yet"))
        for line in fate_lines([await self._stage.fate(self._account, self._last)]):
            echo_wrapped(line, "  ", "    ")

    async def _cut(self, _rest: str) -> None:
        before = self._stage.last
        await self._stage.cast.cut(self._account)
        back = await self._stage.wait_for("connected", before)
        echo_wrapped(
            t("The connection was cut, and is back.") if back else t("The connection does not come back."),
            "  ",
        )

    async def _help(self, _rest: str) -> None:
        print_table((t("TYPE"), t("TO")), [(t(typed), t(does)) for typed, does in _HELP])


@asynccontextmanager
async def _lines() -> AsyncIterator[Ask]:
    """Lines from the terminal with a history, or from a pipe, which are shown after their prompt."""
    if sys.stdin.isatty() and sys.stdout.isatty():
        from prompt_toolkit import PromptSession
        from prompt_toolkit.completion import WordCompleter
        from prompt_toolkit.patch_stdout import patch_stdout

        words = [word.partition(" ")[0] for word, _ in _HELP[1:]]
        session: PromptSession[str] = PromptSession(completer=WordCompleter(words, sentence=True))
        with patch_stdout():
            yield session.prompt_async
        return

    async def read(prompt: str) -> str:
        line: str = await asyncio.to_thread(sys.stdin.readline)
        if not line:
            raise EOFError
        click.echo(f"{prompt}{printable(line)}")
        return line

    yield read

"""`drafts`: what agents wrote where the owner approves what leaves."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import click

from clawlane.cli.failure import CliError
from clawlane.cli.options import account_option, channel_option, json_option
from clawlane.cli.output import (
    Card,
    echo_cards,
    echo_commands,
    echo_line,
    echo_wrapped,
    print_json,
    print_result,
)
from clawlane.clock import now_ms
from clawlane.ops.client import Client
from clawlane.ops.drafts import LONGEST_TEXT, Approve, Approved, Drop, Edit, List, Revive, Show
from clawlane.ops.operation import plain
from clawlane.store.draft_told import Draft
from clawlane.store.states import DraftState
from clawlane.texts import later, t, tn
from clawlane.words.drafts import (
    STALE,
    about,
    approved_sentence,
    asker,
    context_lines,
    dropped_sentence,
    edited_sentence,
    question_line,
    stale_sentence,
    whom,
)
from clawlane.words.strangers import printable, sanitize
from clawlane.words.times import local, when

_LONGEST = 70
_NEXT = (
    (later("send it:"), "openclaw drafts approve NUMBER"),
    (later("change it:"), "openclaw drafts edit NUMBER"),
    (later("drop it:"), "openclaw drafts drop NUMBER"),
)


@click.group()
def drafts() -> None:
    """Approve, edit or drop what waits for your approval.

    Under `outbound: 'approve'` nothing that an agent writes leaves before you approve it here.
    """


@drafts.command("list")
@click.option("--expired", is_flag=True, help="Those that waited too long; `revive` brings one back.")
@channel_option()
@account_option()
@json_option
def list_drafts(expired: bool, channel: str | None, account: str | None, as_json: bool) -> None:
    """List the drafts that wait for your approval.

    \b
    Examples:
      openclaw drafts list
      openclaw drafts list --expired
    """
    found = Client().call(List(channel, account, expired))
    if as_json:
        print_json(drafts=[_json(one) for one in found.drafts], others=found.others)
        return
    if found.drafts:
        echo_cards([_card(one) for one in found.drafts])
        click.echo()
        if expired:
            echo_line(t("To bring one back: openclaw drafts revive NUMBER"))
        else:
            echo_commands(_NEXT)
    else:
        echo_line(t("No draft has expired.") if expired else t("No draft waits for your approval."))
    if found.others:
        echo_line(_others(found.others, expired=expired))


@drafts.command()
@click.argument("number", type=click.IntRange(min=1))
@json_option
def show(number: int, as_json: bool) -> None:
    """Show a draft: what it answers, and all that it says.

    \b
    Example:
      openclaw drafts show 12
    """
    draft = Client().call(Show(number))
    if as_json:
        print_json(draft=_json(draft))
        return
    _show(draft)


@drafts.command()
@click.argument("numbers", type=click.IntRange(min=1), nargs=-1, required=True, metavar="NUMBER...")
@click.option("--stale-ok", is_flag=True, help="Send it although something newer was said in its chat.")
@json_option
def approve(numbers: Sequence[int], stale_ok: bool, as_json: bool) -> None:
    """Send drafts as they stand.

    Several leave in the order in which they were written. Who may write is checked again, and pauses and
    limits hold for them as for every message. If something newer was said in the chat, you are asked
    first, and without a terminal the draft waits on unless you say --stale-ok.

    \b
    Examples:
      openclaw drafts approve 12
      openclaw drafts approve 12 14 --stale-ok
    """
    client, done = Client(), []
    for number in sorted(set(numbers)):
        found = client.call(Approve(number, stale_ok))
        if found.stale is not None:
            if as_json or not sys.stdin.isatty() or not _still_wanted(client, found):
                look = later("look at it: openclaw drafts show {number}; to send it all the same: --stale-ok")
                raise CliError(stale_sentence(number, found.stale), t(look, number=number))
            found = client.call(Approve(number, stale_ok=True))
        done.append(found)
        if not as_json:
            echo_wrapped(approved_sentence(found))
    if as_json:
        print_json(approved=[asdict(one) for one in done])


@drafts.command()
@click.argument("number", type=click.IntRange(min=1))
@click.option("--text", help="The new text, in markdown; - reads it from standard input.")
@click.option("--editor", is_flag=True, help="Open the text in $VISUAL or $EDITOR.")
@json_option
def edit(number: int, text: str | None, editor: bool, as_json: bool) -> None:
    """Change what a draft says, without sending it.

    The text is markdown. Files that go with it stay.

    \b
    Examples:
      openclaw drafts edit 12 --text "I am back on Monday."
      openclaw drafts edit 12 --editor
    """
    if editor == (text is not None):
        raise click.UsageError(t("name either --text or --editor"))
    client = Client(changes=True)
    before = client.call(Show(number)).text if editor else ""
    written = _edited(before) if editor else (_read() if text == "-" else text or "")
    if editor and written == before:
        unchanged = later("draft {number} stays as it is: nothing was changed in the editor")
        raise CliError(t(unchanged, number=number))
    draft = client.call(Edit(number, written))
    if as_json:
        print_json(draft=_json(draft))
        return
    echo_line(edited_sentence(draft))
    _show(draft)


@drafts.command()
@click.argument("numbers", type=click.IntRange(min=1), nargs=-1, required=True, metavar="NUMBER...")
@json_option
def drop(numbers: Sequence[int], as_json: bool) -> None:
    """Give drafts up: nobody is answered, and the texts are deleted.

    \b
    Example:
      openclaw drafts drop 12
    """
    client = Client()
    done = [client.call(Drop(number)) for number in sorted(set(numbers))]
    print_result(map(dropped_sentence, done), as_json, dropped=[asdict(one) for one in done])


@drafts.command()
@click.argument("number", type=click.IntRange(min=1))
@json_option
def revive(number: int, as_json: bool) -> None:
    """Have an expired draft wait for your approval again.

    \b
    Example:
      openclaw drafts revive 12
    """
    draft = Client().call(Revive(number))
    told = t("Draft {number} waits again, until {time}.", number=number, time=local(draft.expires_ms))
    print_result([told], as_json, draft=_json(draft))


def _others(count: int, *, expired: bool) -> str:
    """How many there are of the other sort, and how to list them."""
    if expired:
        return tn("{n} more waits: openclaw drafts list", "{n} more wait: openclaw drafts list", count)
    return t("{n} more expired: openclaw drafts list --expired", n=count)


def _card(draft: Draft) -> Card:
    states = [t("expired") if draft.state is DraftState.EXPIRED else t("waits")]
    states += [t("edited")] if draft.edited else []
    states += [t("stale")] if draft.stale else []
    head = " · ".join((when(draft.created_ms, now_ms()), ", ".join(states), draft.account))
    asked = question_line(draft, _LONGEST)
    told = " / ".join(sanitize(plain(part), _LONGEST) for part in draft.parts[:2])
    hidden = len(draft.parts) - 2
    more = tn("and {n} more message", "and {n} more messages", hidden) if hidden > 0 else ""
    return Card(str(draft.number), head, tuple(filter(None, (whom(draft), asked, told, more))))


def _show(draft: Draft) -> None:
    echo_cards(
        [
            Card(
                str(draft.number),
                f"{when(draft.created_ms, now_ms())} · {draft.account}",
                tuple(about(draft)),
            )
        ]
    )
    if who := asker(draft):
        click.echo()
        for line in context_lines(draft):
            echo_wrapped(line, "", "  ")
        echo_wrapped(t("{name} wrote:", name=who))
        _quote(draft.question or t("(no text is kept)"))
    count = len(draft.parts)
    for number, part in enumerate(draft.parts, 1):
        click.echo()
        echo_line(t("The draft:") if count == 1 else t("Message {number} of {n}:", number=number, n=count))
        _quote(plain(part))


def _quote(text: str) -> None:
    for line in text.splitlines() or [""]:
        echo_wrapped(printable(line), "  ")


def _still_wanted(client: Client, found: Approved) -> bool:
    from clawlane.cli.prompts import prompts

    assert found.stale is not None
    _show(client.call(Show(found.number)))
    click.echo()
    why = t(STALE[found.stale])
    why = f"{why[0].upper()}{why[1:]}"
    question = t("{why}. Send draft {number} all the same?", why=why, number=found.number)
    return prompts().confirm(question, False)


def _json(draft: Draft) -> dict[str, Any]:
    return {**asdict(draft), "thread": str(draft.thread), "parts": draft.parts}


def _read() -> str:
    """A text from standard input, not read further than it may be long."""
    return sys.stdin.read(LONGEST_TEXT + 1).rstrip("\n")


def _edited(text: str) -> str:
    """The text as it is when the editor ends. Its file is private, and gone afterwards."""
    import os
    import shlex
    import subprocess
    import tempfile
    from pathlib import Path

    command = os.environ.get("VISUAL") or os.environ.get("EDITOR") or ""
    if not command.strip():
        raise CliError(t("neither $VISUAL nor $EDITOR names an editor"), "export EDITOR=nano")
    with tempfile.TemporaryDirectory(prefix="clawlane-draft-") as folder:
        file = Path(folder) / "draft.md"
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as opened:
            opened.write(text)
        try:
            code = subprocess.run([*shlex.split(command), str(file)], check=False).returncode  # noqa: S603
        except (OSError, ValueError) as error:
            told = later("the editor {command} cannot be started: {error}")
            named = shlex.quote(command)
            raise CliError(t(told, command=named, error=error), "export EDITOR=nano") from None
        if code:
            ended = later("the editor ended with exit code {code}; the draft stays as it is")
            raise CliError(t(ended, code=code))
        with file.open(encoding="utf-8", errors="replace") as opened:
            return opened.read(LONGEST_TEXT + 1).rstrip("\n")

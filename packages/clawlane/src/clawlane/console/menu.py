"""The pages by their names, and the commands whose work they do: in a sentence, these lead to the page."""

from __future__ import annotations

import re
from typing import NamedTuple

from markupsafe import Markup, escape

from clawlane.texts import later, t
from clawlane.words.strangers import Said


class Page(NamedTuple):
    """Where a page is, what it is called (said by `t`), and how commands that do the same begin."""

    path: str
    name: str
    commands: tuple[str, ...]


PAGES = (
    Page("/", later("Now"), ("channels status",)),
    Page("/people", later("People"), ("pairing",)),
    Page("/why", later("Why"), ("why",)),
    Page("/drafts", later("Drafts"), ("drafts",)),
    Page("/outbox", later("Outbox"), ("outbox",)),
    Page("/dead-letters", later("Set aside"), ("channels dead-letters",)),
    Page("/sessions", later("Sessions"), ("sessions",)),
    Page("/pacing", later("Pacing"), ("pacing",)),
    Page("/webhooks", later("Webhooks"), ("webhooks",)),
    Page("/config", later("Config"), tuple(f"config {one}" for one in ("apply", "get", "set", "validate"))),
    Page("/login", later("Login"), ("channels login", "channels logout")),
    Page("/ritual", later("Ritual"), ("verify",)),
)
"""The pages, in the order of the menu."""

BRAKE = Page("/pause", later("Pause or resume"), ("pause", "resume"))
"""The page that each of the others has a button to."""

_BY_COMMAND = {command: page for page in (*PAGES, BRAKE) for command in page.commands}
_MOST_WORDS = 2
_COMMAND = re.compile(r"`(openclaw [a-z][^`]*)`|(openclaw [a-z].*?)(?=[;,)·\n]|\. | \(|\.?$)")
"""In our sentences a command stands between backquotes, or goes on to a mark or to the end."""


def linked(text: object) -> Markup:
    """A sentence as HTML, with a link before each command that a page stands for.

    The command stays readable beside it. What somebody else wrote (`Said`) is left alone.
    """
    if isinstance(text, Said):
        return escape(text)
    sentence, told, end = str(text), Markup(), 0
    for found in _COMMAND.finditer(sentence):
        command = found[1] or found[2]
        page = _page_of(command)
        if page is not None:
            told += escape(sentence[end : found.start()]) + _link(page, command)
            end = found.end()
    return told + escape(sentence[end:])


def _page_of(command: str) -> Page | None:
    words = command.split()[1:]
    beginnings = (" ".join(words[:n]) for n in range(_MOST_WORDS, 0, -1))
    return next((_BY_COMMAND[one] for one in beginnings if one in _BY_COMMAND), None)


def _link(page: Page, command: str) -> Markup:
    shown = Markup('<a href="{}">{}</a> <code>{}</code>')
    return shown.format(page.path, t(page.name), command)

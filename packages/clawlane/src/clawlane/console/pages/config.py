"""*Config*: what counts and where it was set; an edit is shown with whom it lets in before it is written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

from aiohttp import web

from clawlane.config.errors import ConfigError
from clawlane.config.masking import HIDDEN
from clawlane.config.reference import Key, at_or_below, keys
from clawlane.console.answers import done, page
from clawlane.console.pages.common import asks_of, fields
from clawlane.console.site import SITE
from clawlane.ops.asking import Asks
from clawlane.ops.client import ControlError
from clawlane.ops.config import Apply, Get, Validate
from clawlane.ops.config_edit import Set, Unset
from clawlane.ops.config_paths import steps
from clawlane.ops.config_schema import Schema
from clawlane.ops.config_standing import Stand, Verdict
from clawlane.ops.config_values import Effective, Values
from clawlane.ops.finding_text import one_line, severity_word
from clawlane.ops.operation import OpError
from clawlane.texts import t
from clawlane.words import config_edit as edit_words
from clawlane.words import config_values as words
from clawlane.words.rules import rules_line
from clawlane.words.standing import standing_lines

_PAGE = "/config"
_LONGEST_PATH = 1000
_MOST_KEYS = 12


async def show(request: web.Request) -> web.Response:
    """The values that fit a search; above them what is wrong with the file, and what waits to be applied."""
    asks = asks_of(request)
    search, written = request.query.get("q", "")[:200].strip(), request.query.get("set") == "yes"
    checked, standing = await asks.call(Validate()), await asks.call(Stand())
    told = await _values(asks)
    found = words.rows(told.values) if told else ()
    return await page(
        request,
        "config.html",
        search=search,
        written=written,
        checked=checked,
        findings=[f"{severity_word(one)}: {one_line(one)}" for one in checked.findings],
        rules=rules_line(told.rules, error_told=True) if told else "",
        rows=[row for row in found if _fits(row, search) and (row[1].line or not written)],
        standing=standing,
        waits=standing.verdict is Verdict.WAITS,
        standing_lines=list(standing_lines(standing)),
        words=words,
    )


async def one(request: web.Request) -> web.Response:
    """A key: what it is for, what the file says, and a form to change it."""
    asks, path = asks_of(request), request.query.get("path", "")[:_LONGEST_PATH].strip()
    value = await _in_file(asks, path) if path else ""
    about = await _about(asks, path) if path else []
    return await page(request, "config_key.html", path=path, value=value, about=about)


async def check(request: web.Request) -> web.Response:
    """What an edit would change and whom it would let in. Nothing is written; the edit is kept for that."""
    site, edit = request.app[SITE], _edit(await fields(request))
    made = await site.asks.call(replace(edit, dry_run=True))
    token = ""
    if made.diff:
        token = site.edits.keep(site.entrance.token(request), replace(edit, revision=made.revision))
    lines = list(edit_words.lines(made, removed=isinstance(edit, Set) and bool(edit.remove)))
    ahead = list(edit_words.ahead(made))
    return await page(request, "config_check.html", made=made, token=token, lines=lines, ahead=ahead)


async def write(request: web.Request) -> web.Response:
    """Write the edit that was shown, if the file is still the one that it was shown for."""
    site = request.app[SITE]
    edit = site.edits.take(site.entrance.token(request), (await fields(request)).get("edit", ""))
    if edit is None:
        raise OpError(t("this edit is not kept any more, and nothing was written; make it again"))
    made = await site.asks.call(edit)
    return await done(request, _PAGE, *edit_words.outcome(made))


async def apply(request: web.Request) -> web.Response:
    """Let the gateway work by the file that was shown."""
    applied = await asks_of(request).call(Apply((await fields(request)).get("revision", "")))
    return await done(request, _PAGE, *applied.exposure, t("The running gateway uses it now."))


def _edit(given: Mapping[str, str]) -> Set | Unset:
    """The edit that a form asks for."""
    path, value = given.get("key", "").strip(), given.get("value", "").replace("\r\n", "\n")
    match given.get("how", ""):
        case "unset":
            return Unset(path)
        case "add":
            return Set(path, add=[value])
        case "remove":
            return Set(path, remove=[value])
    return Set(path, value)


async def _values(asks: Asks) -> Effective | None:
    """What counts; None where the file cannot be used and no gateway has a good one."""
    try:
        return await asks.call(Values())
    except ConfigError:
        return None


async def _about(asks: Asks, path: str) -> list[Key]:
    """What is known of a key, or of those below it; the first ones."""
    schema = (await asks.call(Schema())).schema
    return at_or_below(keys(schema), steps(path))[:_MOST_KEYS]


async def _in_file(asks: Asks, path: str) -> str | None:
    """What the file says at a path, to be edited: empty where it says nothing, None where it has secrets."""
    try:
        value = (await asks.call(Get(path))).value
    except (ConfigError, ControlError, OpError):
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
    return None if HIDDEN in text else text


def _fits(row: words.Row, search: str) -> bool:
    """Whether a row has a text: in its key, its accounts, its value, or its place."""
    accounts, value = row
    place = words.place(value.set_at, value.line)
    shown = " ".join((value.path, accounts, words.shown(value.value), place))
    return search.casefold() in shown.casefold()


ROUTES = (
    ("GET", _PAGE, show),
    ("GET", "/config/key", one),
    ("POST", "/config/check", check),
    ("POST", "/config/write", write),
    ("POST", "/config/apply", apply),
)

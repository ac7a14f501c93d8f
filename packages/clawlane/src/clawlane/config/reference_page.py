"""The reference page of the config in markdown, made from its JSON Schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from clawlane.config.reference import Key, keys

_CHANNEL_ONLY = ("accounts", "defaultAccount")
_HEAD = """\
# Configuration reference

<!-- Made by `openclaw config schema --markdown`; do not edit. -->

Every key of the config file, with what it takes, its built-in value and what it means.
[Configuration](configuration.md) explains the file as a whole, [Access](access.md) who is let in.

`<group>`, `<account>` and `<name>` stand for names of your own, `[]` for an item of a list. A time is written
as `'30s'`, `'15m'`, `'2h'` or `'1d'`. A key marked with * is needed where its block is written. `null` is
allowed nowhere: remove the key instead. To see the value in force, and where it was set:

```sh
openclaw config get --effective channels.zalouser.dmPolicy
```
"""
_CHANNEL = """\
These keys may stand in `{path}`, and in each account in `{path}.accounts`, where they replace
those of the channel as a whole. An account does not inherit `name`, and `profile` of the channel counts for
the default account alone. `enabled: false` of the channel turns all accounts off.
"""
_SECTION_NOTES = {
    "agents": "An agent in `agents.list` has `id`, `default` and `name`, and all keys of `agents.defaults`.",
}


def reference_page(schema: Mapping[str, Any]) -> str:
    """The page. The same schema always gives the same page."""
    found = [one for one in keys(schema) if one.path != "$schema"]
    lines = [_HEAD]
    for section, rows in groupby(found, key=lambda one: _section(one.path)):
        lines += _told(section, list(rows))
    return "\n".join(lines).rstrip() + "\n"


def _section(path: str) -> str:
    """`channels.zalouser`, `channels.defaults`, or the key at the root."""
    parts = path.split(".")
    return ".".join(parts[:2]) if parts[0] == "channels" else parts[0].removesuffix("[]")


def _told(section: str, rows: Sequence[Key]) -> Iterator[str]:
    yield f"## `{section}`\n"
    if section.startswith("channels.") and section != "channels.defaults":
        prefix = f"{section}."
        own = [one for one in rows if one.path.removeprefix(prefix) in _CHANNEL_ONLY]
        yield _CHANNEL.format(path=section)
        yield from _table([one for one in rows if one not in own], prefix)
        yield "These stand in the channel block only:\n"
        yield from _table(own, prefix)
        return
    if note := _SECTION_NOTES.get(section):
        yield note + "\n"
    yield from _table([one for one in rows if not one.kind], "")
    for kind, of_kind in groupby((one for one in rows if one.kind), key=lambda one: one.kind):
        listed = list(of_kind)
        word = next(one.description for one in listed if one.path.endswith(".kind"))
        place = next(one.path for one in listed if one.path.endswith(".kind")).removesuffix(".kind")
        yield f"### `{place}` of kind `{kind}`\n\n{word}\n"
        others = [one for one in listed if not one.path.endswith(".kind")]
        if others:
            yield from _table(others, f"{place}.")


def _table(rows: Sequence[Key], prefix: str) -> Iterator[str]:
    yield "| key | takes | built-in | meaning |\n|---|---|---|---|"
    for one in rows:
        key = f"`{one.path.removeprefix(prefix)}`" + (" *" if one.needed else "")
        default = f"`{_default(one.default)}`" if one.default else "–"
        yield f"| {key} | {_cell(one.type)} | {default} | {_cell(one.description)} |"
    yield ""


def _default(written: str) -> str:
    """A text as the config file has it: in single quotes."""
    return f"'{written[1:-1]}'" if written.startswith('"') else written


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")

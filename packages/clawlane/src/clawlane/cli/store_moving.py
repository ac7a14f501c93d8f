"""`store migrate`, `info` and `backup`: where the store is, and how it gets to another place."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

import click

from clawlane.cli.failure import CliError
from clawlane.cli.options import json_option
from clawlane.cli.output import echo_wrapped, print_json, print_result
from clawlane.cli.prompt_answers import confirm
from clawlane.clock import now_ms
from clawlane.ops.client import Client
from clawlane.ops.config_edit import Set, Unset
from clawlane.ops.store_info import GetStoreInfo, StoreInfo
from clawlane.ops.store_moving import CopyStore, MovedStore, MoveStep, UndoMove
from clawlane.ops.store_moving import Migrate as MigrateStore
from clawlane.texts import later, t, tn
from clawlane.words.times import size_words, when

_STAGES = {"copy": later("copying"), "check": later("checking")}
_BIG = ("messages", "decisions", "outbox", "turns", "session_turns", "audit_log")
"""The tables that make up most of a store."""


@click.command()
@click.option("--to", metavar="URL", help="postgresql://USER@HOST/DATABASE, or sqlite for the file.")
@click.option("--password-file", metavar="FILE", help="A file with the password of the database.")
@click.option("--password-env", metavar="NAME", help="A variable with the password of the database.")
@click.option("--replace", is_flag=True, help="Replace this store's older state at the target.")
@click.option("--undo", is_flag=True, help="Go on with the store here, although it was moved.")
@click.option("--yes", is_flag=True, help="Do not ask; write the config, too.")
@json_option
def migrate(
    to: str | None,
    password_file: str | None,
    password_env: str | None,
    replace: bool,
    undo: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Move the store into a PostgreSQL database, or back into its file.

    Stop the gateway first. All rows are copied, compared with what they were, and
    only then does the store count where it is now; the one that is left is kept,
    and no gateway starts with it. A move that was cut off goes on when you run the
    same command again.

    \b
    Examples:
      openclaw store migrate --to postgresql://lane@db/lane --password-file FILE
      openclaw store migrate --to sqlite
    """
    client = Client()
    if undo is (to is not None):
        raise click.UsageError(t("say where to move it with --to, or --undo"))
    if password_file and password_env:
        raise click.UsageError(t("say once where the password is: --password-file or --password-env"))
    if undo:
        _undo(client, yes, as_json)
        return
    request = MigrateStore(str(to), password_file or "", password_env or "", replace)
    if request.settings():  # the config must be able to say where it is then; it can always say nothing
        client.run_here(_edit(request, dry_run=True))
    done = _followed(client, request, as_json)
    written = _may_write(done, yes, as_json)
    if written:
        client.run_here(_edit(request, dry_run=False))
    if as_json:
        print_json(
            source=done.source,
            target=done.target,
            rows=done.rows,
            changed=done.changed,
            again=done.again,
            tables=done.tables,
            settings=done.settings,
            written=written,
        )
        return
    for line in _moved(done, written):
        echo_wrapped(line, hanging="  ")


def _edit(request: MigrateStore, *, dry_run: bool) -> Set | Unset:
    """The change of the config that belongs to a move."""
    if settings := request.settings():
        return Set("store", json.dumps(settings), dry_run=dry_run)
    return Unset("store", dry_run=dry_run)


def _followed(client: Client, request: MigrateStore, as_json: bool) -> MovedStore:
    """Move the store, and show how far it is."""
    done: list[MovedStore] = []
    shows = not as_json and sys.stderr.isatty()

    def show(event: MoveStep | MovedStore) -> None:
        if isinstance(event, MovedStore):
            done.append(event)
        elif shows:
            percent = 100 * event.rows // max(event.of, 1)
            click.echo(f"\r{t(_STAGES[event.stage])} {percent:3} %", nl=False, err=True)

    try:
        client.follow(request, show)
    finally:
        if shows:
            click.echo("\r\033[K", nl=False, err=True)
    return done[0]


def _may_write(done: MovedStore, yes: bool, as_json: bool) -> bool:
    if yes or as_json or not sys.stdin.isatty():
        return yes
    return confirm(t("Write into the config that the store is at {where}?", where=done.target), default=True)


def _moved(done: MovedStore, written: bool) -> Iterator[str]:
    if done.again:
        yield t("It had been moved to {where} before.", where=done.target)
    else:
        yield tn(
            "Moved 1 row to {where}; counts and digests of all tables are the same.",
            "Moved {n} rows to {where}; counts and digests of all tables are the same.",
            done.rows,
            where=done.target,
        )
    if done.changed:
        yield tn(
            "1 text had a NUL, which PostgreSQL does not take: U+FFFD stands for it.",
            "{n} texts had a NUL, which PostgreSQL does not take: U+FFFD stands for it.",
            done.changed,
        )
    yield t("{where} is kept as it was, and no gateway starts with it.", where=done.source)
    if written:
        yield t("The config says so now. Start the gateway: openclaw gateway run")
    elif done.settings:
        yield t("Write this into the config, and start the gateway:")
        yield f"  store: {_block(done)}"
    else:
        yield t("Remove `store` from the config, and start the gateway: openclaw config unset store")


def _block(done: MovedStore) -> str:
    """What belongs under `store`, as the config is written."""
    told = [f"url: '{done.settings['url']}'"]
    for kind, where in done.settings.get("password", {}).items():
        told.append(f"password: {{ {kind}: '{where}' }}")
    return f"{{ {', '.join(told)} }}"


def _undo(client: Client, yes: bool, as_json: bool) -> None:
    if not yes:
        if as_json or not sys.stdin.isatty():
            raise CliError(t("nobody can be asked whether to go back"), t("say so with --yes"))
        told = t("Go on with the store as it was before it was moved, without what was stored since?")
        if not confirm(told, default=False):
            raise CliError(t("nothing was changed"))
    done = client.run_here(UndoMove())
    line = t("{where} was not moved; nothing was changed.", where=done.where)
    if done.moved_to is not None:
        line = t(
            "{where} is in force again. Start no gateway with {other} any more.",
            where=done.where,
            other=done.moved_to,
        )
    print_result([line], as_json, where=done.where, moved_to=done.moved_to)


@click.command()
@json_option
def info(as_json: bool) -> None:
    """Show where the store is, how large it is, and how far away.

    \b
    Examples:
      openclaw store info
      openclaw store info --json
    """
    found = Client().run_here(GetStoreInfo())
    if as_json:
        print_json(store=found)
        return
    for line in _about(found):
        echo_wrapped(line, hanging=" " * 11)


def _about(found: StoreInfo) -> Iterator[str]:
    name = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[found.engine]
    yield t("where      {where}", where=found.where)
    yield t("engine     {name} {version}", name=name, version=found.server)
    yield t("size       {size}, schema {schema}", size=size_words(found.size), schema=found.migration)
    if not found.tables:
        yield t("tables     none of clawlane: the first start of a gateway makes them in an empty database")
    else:
        oldest = when(found.oldest_ms, now_ms()) if found.oldest_ms is not None else t("none")
        rows = {one.table: one.rows for one in found.tables}
        yield t("messages   {n}, the oldest {when}", n=rows.get("messages", 0), when=oldest)
        counts = ", ".join(f"{one} {rows[one]}" for one in _BIG[1:] if one in rows)
        yield t("rows       {counts}", counts=counts)
    yield t("round trip {ms} ms", ms=found.round_trip_ms)
    if found.moved_to is not None:
        yield t("moved      to {where}: no gateway starts with this one", where=found.moved_to)


@click.command()
@click.argument("file", type=click.Path(dir_okay=False))
@json_option
def backup(file: str, as_json: bool) -> None:
    """Write a copy of the store into FILE; the gateway may run.

    The copy is of one moment, a store of SQLite wherever the store itself is, and
    not encrypted: it holds people's messages. For the whole state in one sealed
    file there is `openclaw backup`.

    \b
    Examples:
      openclaw store backup store-copy.sqlite
    """
    done = Client().run_here(CopyStore(file))
    if as_json:
        print_json(file=done.file, size=done.size, rows=done.rows, changed=done.changed)
        return
    size = size_words(done.size)
    echo_wrapped(t("Copied the store to {file} ({size}, {n} rows).", file=done.file, size=size, n=done.rows))
    echo_wrapped(t("It is not encrypted, and holds people's messages."))


COMMANDS = (migrate, info, backup)
"""What `openclaw store` has besides."""

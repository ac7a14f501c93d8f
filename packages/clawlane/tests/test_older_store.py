"""Whatever changes something brings the store of an older clawlane up to date first, before it reads."""

from __future__ import annotations

import dataclasses
import sqlite3
import tarfile
from collections.abc import Iterator
from contextlib import aclosing, closing, suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from packages.clawlane.tests.test_ops_pause import Installed

from clawlane.config.paths import Paths
from clawlane.ops import drafts, forget, pairing
from clawlane.ops.context import OpContext
from clawlane.ops.operation import MODULES, Caller, Operation, OpError, find
from clawlane.ops.setup_answers import Answers
from clawlane.store.errors import StoreUnusable
from clawlane.store.reader import reading
from clawlane.store.sqlite import copies, schema

STATE = Path(__file__).parents[3] / "tests" / "kept_states" / "schema-11.tar.gz"
LAN = "8200000000000000005"

GIVEN: dict[str, Any] = {
    "channel": "zalouser",
    "account": "default",
    "answers": Answers(),
    "target": "user:1",
    "person": LAN,
    "how": "flag",
    "spec": "@openclaw/nothing",
}
"""What the fields of requests say here; a number is 1 where nothing else stands, and a text is '1'."""


@pytest.fixture
def ctx(tmp_path: Path) -> OpContext:
    """What an operation has right after an upgrade of the package, before the gateway's first start."""
    with tarfile.open(STATE) as archive:
        archive.extractall(tmp_path / "state", filter="data")
    paths = Paths(tmp_path / "state", tmp_path / "state" / "config.json5")
    paths.state.chmod(0o700)
    now_ms = int(paths.store.stat().st_mtime * 1000) + 60_000
    return OpContext(paths, {}, lambda: now_ms, Caller.CLI, plugins=Installed(paths))


def asked(operation: Operation) -> Any:
    """A request of an operation with something in each field that needs it."""
    fields = dataclasses.fields(operation.request)
    needed = [one for one in fields if one.default is dataclasses.MISSING or one.name in GIVEN]
    return operation.request(
        **{one.name: GIVEN.get(one.name, 1 if one.type == "int" else "1") for one in needed}
    )


async def error_of(ctx: OpContext, operation: Operation) -> str:
    """What an operation says that does not work; empty if it does."""
    try:
        if not operation.streams:
            await operation.run(ctx, asked(operation))
            return ""
        async with aclosing(operation.run(ctx, asked(operation))) as events:
            async for _ in events:
                pass
    except Exception as error:
        return str(error)
    return ""


def schema_of(paths: Paths) -> int:
    with closing(sqlite3.connect(paths.store)) as db:
        return schema.check(db, paths.store)


def operations() -> Iterator[Operation]:
    """All there are."""
    for module in MODULES:
        for name in vars(import_module(f"clawlane.ops.{module}")):
            with suppress(OpError):
                yield find(f"{module}.{name}")


CHANGING = [one for one in operations() if one.changes]


@pytest.mark.parametrize("operation", CHANGING, ids=lambda one: one.name)
async def test_every_changing_operation_updates_the_store_first(ctx: OpContext, operation: Operation) -> None:
    async with ctx:
        told = await error_of(ctx, operation)  # what it says of made-up numbers and codes is its own matter
    assert "older clawlane" not in told
    assert "\n" not in told
    assert schema_of(ctx.paths) == len(schema.MIGRATIONS)
    assert [copy.migration for copy in copies.kept(ctx.paths.store)] == [11]


def test_the_walk_knows_the_changing_operations() -> None:
    names = {one.name for one in CHANGING}
    assert {"pause.pause", "drafts.approve", "forget.forget", "pairing.approve", "sessions.reset"} <= names


async def test_what_reads_before_it_writes_finds_what_the_older_version_left(ctx: OpContext) -> None:
    async with ctx:
        assert [one.sender_id for one in await pairing.revoke(ctx, pairing.Revoke(None, LAN))] == [LAN]
    with reading(ctx.paths.store) as reader:
        assert reader.approved() == []


async def test_a_question_changes_nothing(ctx: OpContext) -> None:
    before = ctx.paths.store.read_bytes()
    async with ctx:
        with pytest.raises(StoreUnusable, match=r"older clawlane; start the gateway once"):
            await drafts.waiting(ctx, drafts.List())
    assert ctx.paths.store.read_bytes() == before
    assert copies.kept(ctx.paths.store) == []


async def test_a_dry_run_changes_nothing(ctx: OpContext) -> None:
    before = ctx.paths.store.read_bytes()
    async with ctx:
        with pytest.raises(StoreUnusable, match=r"older clawlane; start the gateway once"):
            async for _ in forget.forget(ctx, forget.Forget(person=LAN, dry_run=True)):
                pass
    assert ctx.paths.store.read_bytes() == before
    assert copies.kept(ctx.paths.store) == []

"""Uninstall: what goes, what stays, and that a folder named by mistake survives."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from packages.clawlane.tests.ops_alone import NOW, context, owned
from packages.clawlane.tests.profiles_in import profiles_in

from clawlane.config.paths import Paths
from clawlane.credentials.files import write_private
from clawlane.ops.context import OpContext
from clawlane.ops.service import MINE
from clawlane.ops.uninstall import GetPieces, Uninstall, pieces, uninstall
from clawlane.store.errors import StoreOwned


@pytest.fixture
async def ctx(tmp_path: Path) -> OpContext:
    """A machine with a service, a key elsewhere, and a state with something of everything."""
    state = tmp_path / "state"
    paths = Paths(state, state / "config.json5")
    environ = {"XDG_CONFIG_HOME": str(tmp_path / "xdg"), "CLAWLANE_KEY_FILE": str(tmp_path / "key")}
    write_private(tmp_path / "key", bytes(32))
    async with owned(paths):
        pass
    profiles_in(paths, environ).vault("zalouser", "default").replace(b"x", ("1", "Lan"))
    for name in (
        "config.json5",
        "config.json5.bak",
        f"store.sqlite.schema-11-{NOW}",
        "store.sqlite.newer-1",
        "plugins.json",
        "media/inbound/a.jpg",
        "outgoing/b/c.pdf",
        "logs/gateway.log",
        "qr/x.png",
        "setup/x.json",
        ".config.json5.0123456789ab",
    ):
        write_private(state / name, b"12345")
    units = tmp_path / "xdg" / "systemd" / "user"
    write_private(units / "clawlane.service", f"{MINE}[Unit]\n".encode())
    (units / "default.target.wants").mkdir()
    (units / "default.target.wants" / "clawlane.service").symlink_to(units / "clawlane.service")
    return replace(context(paths), environ=environ)


async def test_without_purge_only_the_service_goes(ctx: OpContext, tmp_path: Path) -> None:
    before = sorted(os.listdir(ctx.paths.state))
    done = await uninstall(ctx, Uninstall())
    assert [one.what for one in done.removed] == ["unit"]
    assert sorted(os.listdir(ctx.paths.state)) == before
    assert os.listdir(tmp_path / "xdg" / "systemd" / "user" / "default.target.wants") == []


async def test_with_purge_nothing_of_ours_is_left(ctx: OpContext, tmp_path: Path) -> None:
    found = await pieces(ctx, GetPieces())
    assert [one.what for one in found][:3] == ["unit", "key", "logins"]
    kinds = {one.what for one in found[3:]}
    assert kinds == {"store", "record", "media", "config", "logs", "rest"}
    done = await uninstall(ctx, Uninstall(purge=True))
    assert (done.removed, done.left) == (found, [])
    assert sorted(os.listdir(tmp_path)) == ["xdg"]
    assert (await uninstall(ctx, Uninstall(purge=True))).removed == []


async def test_what_is_not_ours_stays_with_its_folder(ctx: OpContext) -> None:
    thesis = ctx.paths.state / "thesis.odt"
    thesis.write_bytes(b"x")
    unit = Path(ctx.environ["XDG_CONFIG_HOME"], "systemd", "user", "clawlane.service")
    write_private(unit, b"[Unit]\n")
    done = await uninstall(ctx, Uninstall(purge=True))
    assert [(one.what, one.path) for one in done.left] == [("foreign", str(unit)), ("foreign", str(thesis))]
    assert os.listdir(ctx.paths.state) == ["thesis.odt"]


async def test_a_config_elsewhere_goes_too(ctx: OpContext, tmp_path: Path) -> None:
    config = tmp_path / "lane.json5"
    config.write_text("{}")
    elsewhere = replace(ctx, paths=replace(ctx.paths, config_file=config))
    await uninstall(elsewhere, Uninstall(purge=True))
    assert sorted(os.listdir(tmp_path)) == ["xdg"]


async def test_nothing_goes_while_a_gateway_runs(ctx: OpContext) -> None:
    before = sorted(os.listdir(ctx.paths.state))
    async with owned(ctx.paths):
        with pytest.raises(StoreOwned):
            await uninstall(ctx, Uninstall(purge=True))
    assert set(before) <= set(os.listdir(ctx.paths.state))


async def test_everything_that_is_ever_made_in_a_state_directory_is_known(ctx: OpContext) -> None:
    named = [name for name, one in vars(Paths).items() if isinstance(one, property)]
    made = [path for name in named if (path := getattr(ctx.paths, name)).is_relative_to(ctx.paths.state)]
    for path in made:
        if not path.exists():
            path.mkdir(parents=True)
    assert len(made) > 10
    assert [one for one in await pieces(ctx, GetPieces()) if one.what == "foreign"] == []

"""`plugins`: install channel plugins, list them, switch them on and off."""

from __future__ import annotations

from collections.abc import Iterator

import click

from clawlane.capabilities import RiskNotice
from clawlane.cli.json_shapes import risk_json
from clawlane.cli.options import json_option
from clawlane.cli.output import Card, echo_cards, echo_line, print_json, print_table
from clawlane.ops.client import Client
from clawlane.ops.operation import plain
from clawlane.ops.plugins import About, Install, PluginInfo, Plugins, Switch, Uninstall
from clawlane.texts import later, t
from clawlane.words.unofficial import UNOFFICIAL

_STATES = {
    "installed": later("installed"),
    "disabled": later("disabled"),
    "broken": later("broken"),
    "available": later("available"),
}
_CONFIGURED = {
    True: later("has a block for it"),
    False: later("has no block for it, so it is off"),
    None: later("cannot be read"),
}


@click.group()
def plugins() -> None:
    """Install channel plugins, and list them. Nothing is fetched from a network."""


@plugins.command()
@click.argument("spec")
@json_option
def install(spec: str, as_json: bool) -> None:
    """Install a plugin and record it in the state directory.

    SPEC is a folder (./extensions/zalouser), a wheel file, or an official name (@openclaw/zalouser). This
    switches no channel on: only a block in the config does.

    \b
    Examples:
      openclaw plugins install @openclaw/zalouser
      openclaw plugins install ./extensions/zalouser
    """
    done = Client().run_here(Install(spec))
    if as_json:
        print_json(plugin=done.id, version=done.version, new=done.new, restart_needed=done.restart_needed)
        return
    note = f" ({t(UNOFFICIAL)})" if done.unofficial else ""
    how = t("installed") if done.new else t("installed again")
    echo_line(f"{how}: {done.id} · {done.name} {done.version}{note}")
    if done.restart_needed:
        echo_line(t("a gateway is running; to use the plugin: openclaw gateway restart"))
    echo_line(t("next: openclaw channels login --channel {channel}", channel=done.id))


@plugins.command("list")
@json_option
def list_plugins(as_json: bool) -> None:
    """List the installed plugins and the official ones.

    \b
    Examples:
      openclaw plugins list
      openclaw plugins list --json
    """
    rows = []
    for one in Client().run_here(Plugins()):
        row = plain(one)
        row["note"] = t(UNOFFICIAL) if row.pop("unofficial") else ""
        rows.append(row)
    if as_json:
        print_json(plugins=rows)
        return
    shown = ("id", "name", "version", "status", "source", "note")
    heads = (t("ID"), t("NAME"), t("VERSION"), t("STATUS"), t("SOURCE"), t("NOTE"))
    in_words = [{**row, "status": t(_STATES[row["status"]])} for row in rows]
    print_table(heads, [[row[key] or "–" for key in shown] for row in in_words])
    for row in rows:
        if row["problem"]:
            echo_line(f"{row['id']}: {row['problem']}")


@plugins.command()
@click.argument("id", metavar="ID")
@json_option
def info(id: str, as_json: bool) -> None:
    """Show what a plugin can do, where it comes from, and its risk.

    \b
    Examples:
      openclaw plugins info zalouser
      openclaw plugins info zalouser --json
    """
    found = Client().run_here(About(id))
    if as_json:
        told = plain(found)
        title, risk, alternative = (told.pop(name) for name in ("risk_title", "risk", "alternative"))
        text = RiskNotice(title, (risk,), alternative).text if risk else ""
        risk = risk_json(text, None, unofficial=found.plugin.unofficial)
        print_json(**told.pop("plugin"), **told, label=_label(found), risk=risk)
        return
    echo_cards([Card(t(head), text, ()) for head, text in _info_rows(found)])


@plugins.command()
@click.argument("id", metavar="ID")
@json_option
def enable(id: str, as_json: bool) -> None:
    """Have the gateway load an installed plugin again.

    \b
    Example:
      openclaw plugins enable zalouser
    """
    _switch(id, enabled=True, as_json=as_json)


@plugins.command()
@click.argument("id", metavar="ID")
@json_option
def disable(id: str, as_json: bool) -> None:
    """Have the gateway leave a plugin out; its channel is off then.

    Sessions and the config stay as they are.

    \b
    Example:
      openclaw plugins disable zalouser && openclaw gateway restart
    """
    _switch(id, enabled=False, as_json=as_json)


@plugins.command()
@click.argument("id", metavar="ID")
@json_option
def uninstall(id: str, as_json: bool) -> None:
    """Forget a plugin, and take out of Python what `plugins install` put there.

    Sessions and the config stay: to forget a session, log out first. Refused while the gateway runs an
    account with it.

    \b
    Examples:
      openclaw channels logout --channel zalouser
      openclaw gateway stop && openclaw plugins uninstall zalouser
    """
    done = Client().run_here(Uninstall(id))
    if as_json:
        print_json(plugin=done.id, distribution=done.distribution, removed=done.removed)
        return
    stays = later("uninstalled: {plugin} ({distribution}; it stays importable, as it was before)")
    gone = later("uninstalled: {plugin} ({distribution}; and removed from this Python)")
    how = gone if done.removed else stays
    echo_line(t(how, plugin=done.id, distribution=done.distribution))


def _switch(id: str, *, enabled: bool, as_json: bool) -> None:
    done = Client().run_here(Switch(id, enabled))
    if as_json:
        state = {"enabled": done.enabled, "changed": done.changed, "restart_needed": done.restart_needed}
        print_json(plugin=done.id, **state)
        return
    now = later("enabled: {plugin}") if enabled else later("disabled: {plugin}")
    already = later("{plugin} is enabled already") if enabled else later("{plugin} is disabled already")
    echo_line(t(now if done.changed else already, plugin=done.id))
    if done.restart_needed:
        echo_line(t("this takes effect with: openclaw gateway restart"))


def _label(found: PluginInfo) -> str:
    return UNOFFICIAL if found.plugin.unofficial else ""


def _info_rows(found: PluginInfo) -> Iterator[tuple[str, str]]:
    plugin = found.plugin
    label = f" ({t(UNOFFICIAL)})" if plugin.unofficial else ""
    yield later("plugin"), f"{plugin.id} · {plugin.name}{label}"
    problem = f": {t(plugin.problem)}" if plugin.problem else ""
    yield later("status"), f"{t(_STATES[plugin.status])}{problem}"
    if plugin.version:
        yield later("version"), f"{plugin.version} ({found.distribution})"
    yield later("source"), plugin.source + (f" ({found.path})" if found.path else "")
    if found.aliases:
        yield later("aliases"), ", ".join(found.aliases)
    if found.capabilities:
        yield later("capabilities"), ", ".join(found.capabilities)
    yield later("config"), t(_CONFIGURED[found.configured])
    if found.risk:
        yield later("risk"), f"{found.risk_title}. {found.risk}"
        yield later("instead"), found.alternative

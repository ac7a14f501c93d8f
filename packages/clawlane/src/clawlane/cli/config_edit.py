"""`config set`, `unset` and `apply`: change the config, and say what that opens and closes."""

from __future__ import annotations

import click

from clawlane.cli.failure import CliError
from clawlane.cli.options import json_option
from clawlane.cli.output import echo_line, echo_wrapped, print_json, print_result
from clawlane.config.errors import ConfigError
from clawlane.ops.client import Client, GatewayDown, ask_gateway
from clawlane.ops.config import Apply, Validate
from clawlane.ops.config_edit import Changed, Set, Unset
from clawlane.ops.finding_text import finding_json
from clawlane.ops.operation import Caller, plain
from clawlane.texts import t
from clawlane.words.config_edit import lines, outcome
from clawlane.words.standing import standing_json

_dry_run = click.option("--dry-run", is_flag=True, help="Check and show the change, and write nothing.")


class _Setting(click.Command):
    """Says how a value is written that begins with a dash."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            told = error.format_message().rstrip(".")
            dash = t("a value that begins with a dash: openclaw config set -- PATH VALUE")
            raise CliError(told, dash) from None


@click.command("set", cls=_Setting)
@click.argument("path")
@click.argument("value", required=False)
@click.option("--add", multiple=True, metavar="ENTRY", help="Add an entry to a list; can be repeated.")
@click.option("--remove", multiple=True, metavar="ENTRY", help="Remove an entry from a list.")
@_dry_run
@json_option
def set_value(
    path: str, value: str | None, add: tuple[str, ...], remove: tuple[str, ...], dry_run: bool, as_json: bool
) -> None:
    """Write VALUE at PATH in the config file.

    VALUE is JSON5, or else a text as it is. Long ids are written in quotes, so that
    they keep all their digits. Comments stay where they are. The whole file is
    checked before it is written, and the former one is kept as config.json5.bak.

    \b
    Examples:
      openclaw config set channels.zalouser.dmPolicy allowlist
      openclaw config set channels.zalouser.allowFrom --add 1471383327500481391
      openclaw config set channels.zalouser.groups.9001 "{ allow: true }"
    """
    if (value is None) != bool(add or remove):
        raise click.UsageError(t("give a VALUE, or --add or --remove for a list"))
    request = Set(path, value or "", list(add), list(remove), dry_run)
    _tell(Client().run_here(request), as_json, removed=bool(remove))


@click.command()
@click.argument("path")
@_dry_run
@json_option
def unset(path: str, dry_run: bool, as_json: bool) -> None:
    """Remove PATH from the config file, so that the inherited or built-in value counts.

    \b
    Examples:
      openclaw config unset channels.zalouser.historyLimit
      openclaw config unset channels.zalouser.accounts.work.allowFrom
    """
    _tell(Client().run_here(Unset(path, dry_run)), as_json)


def _tell(made: Changed, as_json: bool, *, removed: bool = False) -> None:
    if as_json:
        print_json(
            path=made.path,
            file=made.file,
            changed=bool(made.diff),
            written=bool(made.diff) and not made.dry_run,
            backup=made.backup or None,
            diff=made.diff,
            widens=made.widens,
            narrows=made.narrows,
            findings=list(map(finding_json, made.findings)),
            dropped=made.dropped,
            warnings=made.warnings,
            gateway=standing_json(made.standing),
        )
        return
    for line in made.diff:
        echo_line(line)
    for line, warns in lines(made, removed=removed):
        echo_wrapped(line, hanging="  ", err=warns)
    for line in outcome(made):
        echo_wrapped(line, hanging="  ")


@click.command()
@click.option("--revision", metavar="REVISION", default="", help="Only if the file is still this one.")
@json_option
def apply(revision: str, as_json: bool) -> None:
    """Have the running gateway work by the config file as it is, whatever that opens.

    A gateway applies edits by itself. With gateway.reload: 'ask' it waits with those
    that let more in, until this command. Without a gateway the next start applies the
    file; then it is only checked. The log, `doctor` and `channels status --json` name
    the revision of a file that waits: with --revision no other is applied.

    \b
    Examples:
      openclaw config apply
      openclaw config apply --revision 3f1c0a9b52d7e846
    """
    client = Client()
    try:
        applied = ask_gateway(client.paths, Apply(revision), Caller.CLI)
    except GatewayDown:
        checked = client.run_here(Validate())
        if checked.problems:
            raise ConfigError(checked.problems) from None
        if not checked.exists:
            missing = t("there is no config file {file}", file=checked.path)
            raise CliError(missing, "openclaw onboard") from None
        told = [t("No gateway runs; the next start applies the file.")]
        print_result(told, as_json, applied=False, revision=None, exposure=[], restarted=[])
        return
    told = [*applied.exposure, t("In force: {file}", file=client.paths.config_file)]
    if applied.restarted:
        told.append(t("Restarted: {accounts}", accounts=", ".join(applied.restarted)))
    if as_json:
        print_json(applied=True, **plain(applied))
        return
    for line in told:
        echo_wrapped(line, hanging="  ")

"""`channels status`: the status of the accounts, with or without a running gateway."""

from __future__ import annotations

from typing import Any

import click

from clawlane.cli.failure import CliError
from clawlane.cli.json_shapes import risk_json, user_json
from clawlane.cli.options import account_option, channel_option, json_option
from clawlane.cli.output import echo_wrapped, print_json
from clawlane.ops.client import Client
from clawlane.ops.exit_codes import Exit, exit_code
from clawlane.ops.finding_text import finding_json, problem_text
from clawlane.ops.operation import plain
from clawlane.ops.rules_from import FILE, GATEWAY, RulesFrom
from clawlane.ops.speakers import speakers_text
from clawlane.ops.status import GetStatus, Status
from clawlane.texts import t
from clawlane.words.status import lines


@click.command()
@channel_option("Only this channel (default: all).")
@account_option()
@click.option("--probe", is_flag=True, help="Also ask the platform whether the sessions are valid.")
@json_option
def status(channel: str | None, account: str | None, probe: bool, as_json: bool) -> int:
    """Show the status of the accounts.

    Personal Zalo (zalouser) is experimental, unofficial: see openclaw plugins info.

    \b
    Exit code, the highest of all enabled accounts:
      0  every account is logged in, can receive and can send
      1  wrong usage, wrong config, unknown channel
      2  degraded (the status says why), not connected yet, something waits for
         your decision, the config file is broken now, or a page that should be
         served is not
      3  not linked, session expired, risk not accepted, or no enabled account
      4  paused or replaced by another login
      5  the gateway is not running

    \b
    Examples:
      openclaw channels status --probe
      openclaw channels status --json
    """
    client = Client()
    found = client.call(GetStatus(channel, account, probe))
    if not found.channels and (channel or account):
        code = Exit.NOT_LINKED if found.gateway else Exit.GATEWAY_DOWN
        from clawlane.ops.accounts import FindChannel

        name = client.call(FindChannel(channel))
        edited = t("the file was edited, which waits for: openclaw config apply")
        waits = edited if found.config.waiting else ""
        raise CliError(t("the config has no block for {name}, so it is off", name=name), waits, code)
    code, rules = exit_code(found), _rules(found, str(client.paths.config_file))
    if as_json:
        head = {"ok": code is Exit.WELL, "exit_code": int(code), "running": bool(found.gateway)}
        print_json(**head, rules=rules, **_status_json(found))
        return code
    for begin, text in lines(found, rules):
        echo_wrapped(text, begin, " " * len(begin) or "    ")
    return code


def _rules(found: Status, file: str) -> RulesFrom:
    """Where the rules of the answer were read: by whom it was given."""
    config, running = found.config, found.gateway is not None
    return RulesFrom(
        GATEWAY if running else FILE, file, config.changed, config.error or "", bool(config.waiting), running
    )


def _status_json(found: Status) -> dict[str, Any]:
    """The status for programs: with words for findings and problems, and `probe` only if asked for."""
    told: dict[str, Any] = plain(found)
    for channel, block in found.channels.items():
        of_channel = told["channels"][channel]
        of_channel["default_account"] = f"{channel}/{block.default_account}"
        of_channel["risk"] = risk_json(block.risk, None, unofficial=block.unofficial)
        of_channel["accounts"] = {f"{channel}/{id_}": one for id_, one in of_channel["accounts"].items()}
        for id_, one in block.accounts.items():
            account = of_channel["accounts"][f"{channel}/{id_}"]
            del account["consent"]
            account["user"] = account.pop("identity")
            account["risk"] = risk_json(block.risk, one.consent, unofficial=block.unofficial)
            account["findings"] = list(map(finding_json, one.findings))
            for told_of, group in zip(account["speakers"], one.speakers, strict=True):
                told_of["text"] = speakers_text(group)
            account["problems"] = [
                {"code": it.code, "text": problem_text(it), "command": it.command, "degrades": it.degrades}
                for it in one.problems
            ]
            probe = account.pop("probe")
            if one.probe is not None:
                user = user_json(probe.pop("user_id"), probe.pop("user_name"))
                account["probe"] = {**probe, "user": user}
    return told

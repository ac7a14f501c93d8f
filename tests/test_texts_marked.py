"""What operators read in these rooms is marked for the catalogues: no sentence stands in the code alone."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "packages/clawlane/src/clawlane"
ROOMS = (
    "access/explain.py",
    "access/scope.py",
    "access/tool_comparison.py",
    "alarm_kinds.py",
    "cli/address_book_text.py",
    "cli/agents.py",
    "cli/alarms.py",
    "cli/alerts.py",
    "cli/webhooks.py",
    "cli/audit.py",
    "cli/audit_log.py",
    "cli/backup.py",
    "cli/capabilities.py",
    "cli/channels.py",
    "cli/cluster.py",
    "cli/completion.py",
    "cli/config.py",
    "cli/config_edit.py",
    "cli/config_import.py",
    "cli/config_schema.py",
    "cli/dead_letters.py",
    "cli/debug.py",
    "cli/directory.py",
    "cli/directory_export.py",
    "cli/doctor.py",
    "cli/drafts.py",
    "cli/failure.py",
    "cli/finding_lines.py",
    "cli/forget.py",
    "cli/gateway.py",
    "cli/health.py",
    "cli/help.py",
    "cli/importing.py",
    "cli/listening.py",
    "cli/locale.py",
    "cli/login.py",
    "cli/logs.py",
    "cli/mcp.py",
    "cli/mcp_serving.py",
    "cli/message.py",
    "cli/message_report.py",
    "cli/onboard.py",
    "cli/options.py",
    "cli/outbox.py",
    "cli/output.py",
    "cli/pairing.py",
    "cli/passphrase.py",
    "cli/pause.py",
    "cli/picker.py",
    "cli/plugins.py",
    "cli/policy.py",
    "cli/private_output.py",
    "cli/prompt_answers.py",
    "cli/prompt_options.py",
    "cli/prompts.py",
    "cli/recall.py",
    "cli/rehearsal_prompt.py",
    "cli/rehearsal_words.py",
    "cli/rehearse.py",
    "cli/runbooks.py",
    "cli/session.py",
    "cli/sessions.py",
    "cli/setup_agent.py",
    "cli/setup_alerts.py",
    "cli/setup_end.py",
    "cli/setup_hours.py",
    "cli/setup_interview.py",
    "cli/setup_people.py",
    "cli/setup_policies.py",
    "cli/setup_questions.py",
    "cli/setup_walk.py",
    "cli/sim.py",
    "cli/since.py",
    "cli/status.py",
    "cli/support_bundle.py",
    "cli/store.py",
    "cli/store_moving.py",
    "cli/uninstall.py",
    "cli/upgrade.py",
    "cli/verify.py",
    "cli/why.py",
    "config/agent_hosts.py",
    "config/edit.py",
    "config/openclaw.py",
    "config/regular_file.py",
    "credentials/files.py",
    "credentials/mcp_token.py",
    "credentials/profile.py",
    "credentials/sealed_file.py",
    "credentials/vault.py",
    "gateway/config_in_force.py",
    "gateway/control.py",
    "gateway/lease.py",
    "lookup.py",
    "ops/access_findings.py",
    "ops/account_reading.py",
    "ops/account_status.py",
    "ops/address_book.py",
    "ops/agents.py",
    "ops/alarm_text.py",
    "ops/alarms.py",
    "ops/alert_text.py",
    "ops/alerts.py",
    "ops/webhooks.py",
    "ops/archive.py",
    "ops/asking_nodes.py",
    "ops/attachments.py",
    "ops/audit.py",
    "ops/audit_log.py",
    "ops/backup.py",
    "ops/capabilities.py",
    "ops/cast.py",
    "ops/client.py",
    "ops/client_sends.py",
    "ops/cluster.py",
    "ops/config.py",
    "ops/config_edit.py",
    "ops/config_import.py",
    "ops/config_merge.py",
    "ops/config_paths.py",
    "ops/config_values.py",
    "ops/context.py",
    "ops/conversations.py",
    "ops/devices.py",
    "ops/directory.py",
    "ops/directory_export.py",
    "ops/draft_text.py",
    "ops/drafts.py",
    "ops/export.py",
    "ops/exposure_text.py",
    "ops/finding_text.py",
    "ops/forget.py",
    "ops/import_journal.py",
    "ops/import_plan.py",
    "ops/importing.py",
    "ops/lane_findings.py",
    "ops/lifecycle.py",
    "ops/login.py",
    "ops/mending.py",
    "ops/message.py",
    "ops/messages.py",
    "ops/openclaw_files.py",
    "ops/openclaw_people.py",
    "ops/openclaw_running.py",
    "ops/openclaw_sessions.py",
    "ops/operation.py",
    "ops/path_findings.py",
    "ops/pause.py",
    "ops/plugins.py",
    "ops/policy.py",
    "ops/private_files.py",
    "ops/probing.py",
    "ops/problems.py",
    "ops/process.py",
    "ops/recall.py",
    "ops/relay.py",
    "ops/restore.py",
    "ops/revoking.py",
    "ops/ritual/answer.py",
    "ops/ritual/conductor.py",
    "ops/ritual/direct.py",
    "ops/ritual/groups.py",
    "ops/ritual/life.py",
    "ops/ritual/proofs.py",
    "ops/ritual/run.py",
    "ops/ritual/steps.py",
    "ops/running.py",
    "ops/sending_account.py",
    "ops/service.py",
    "ops/sessions.py",
    "ops/setup.py",
    "ops/setup_names.py",
    "ops/setup_plan.py",
    "ops/setup_text.py",
    "ops/speakers.py",
    "ops/store.py",
    "ops/store_info.py",
    "ops/store_moving.py",
    "ops/targets.py",
    "ops/uninstall.py",
    "ops/unix_http.py",
    "ops/upgrade_changes.py",
    "ops/verification.py",
    "ops/verification_state.py",
    "plugins/catalog.py",
    "plugins/errors.py",
    "plugins/install.py",
    "plugins/registry.py",
    "plugins/target.py",
    "plugins/untrusted.py",
    "rehearsal/expectations.py",
    "rehearsal/gateway.py",
    "rehearsal/playing.py",
    "rehearsal/processes.py",
    "rehearsal/reach.py",
    "rehearsal/scenario.py",
    "rehearsal/simulators.py",
    "rehearsal/stage.py",
    "rehearsal/yaml_reader.py",
    "store/audit_heads.py",
    "store/sqlite/copies.py",
    "store/sqlite/marker.py",
    "store/private_file.py",
    "store/quotes.py",
    "store/sqlite/reset.py",
    "store/sqlite/restored.py",
    "store/sqlite/rollback.py",
    "words/account_rows.py",
    "words/channel_off.py",
    "words/dead_letters.py",
    "words/drafts.py",
    "words/gaps.py",
    "words/holds.py",
    "words/login.py",
    "words/outbox.py",
    "words/pacing.py",
    "words/pauses.py",
    "words/people.py",
    "words/phases.py",
    "words/ritual.py",
    "words/rules.py",
    "words/send_states.py",
    "words/sessions.py",
    "words/status.py",
    "words/stories.py",
    "words/strangers.py",
    "words/times.py",
    "words/turns.py",
    "words/unofficial.py",
    "words/webhooks.py",
)
"""The modules that are wholly translated."""

PLUGIN = Path(__file__).parents[1] / "extensions/zalouser/src/clawlane_zalouser"
PLUGIN_ROOMS = ("cast.py", "known.py", "simulator.py")
PLUGIN_ROOMS = (
    "account_session.py",
    "cast.py",
    "channel.py",
    "directory.py",
    "simulator.py",
    "stored_session.py",
)
"""Those of Zalo's plugin."""

NOT_SAID = {
    "cli/store_moving.py": {"  store: "},
    "ops/store_moving.py": {"Value error, "},
    "access/scope.py": {"the account itself"},  # stands for an id
    "cli/debug.py": {" ms", "HTTP "},  # units
    "cli/pause.py": {  # help of options, which the catalogue has
        "Only this thread: dm:ID, group:ID, or the id of a thread that was read from.",
        "Only this account (default: all; with --thread the default account).",
    },
    "ops/access_findings.py": {"in list"},  # which sentence of a code
    "ops/path_findings.py": {"ours first"},  # which sentence of a code
    "ops/asking_nodes.py": {"taking a request back", "whoever looks stops by itself"},  # for the log
    "ops/login.py": {"storing the login"},  # for the log
    "ops/policy.py": {"the account itself"},  # stands for an id
    "cli/rehearse.py": {"{{ channels: {{ {channel}: {{ enabled: true }} }} }}\n"},  # a config
    # help of options
    "cli/since.py": {
        "Only what is newer: 30m, 2h, 7d, or a day such as 2026-11-28.",
        "Only what is older than that: as --since.",
    },
    # what stands in for an agent answers, which scenarios expect; options that nobody types
    "rehearsal/gateway.py": {
        "[rehearsal: agent '",
        "' is not asked",
        "; it would see ",
        " earlier messages, too",
        "ask the agents of the config",
        "a channel that stays off",
        "the language of an error",
    },
    "rehearsal/reach.py": {"User "},  # what somebody without a name is called on the platform
    "ops/alarm_text.py": {"; the account is muted", ": alarm '", "; see: openclaw alarms list"},  # the log
    "ops/forget.py": {"an echo"},  # how such a host begins
    "ops/private_files.py": {"of more"},  # a case of a finding
    "ops/importing.py": {"the plan has no login for another channel"},  # a fault of ours
    "ops/pause.py": {  # the log
        "%s is paused (%s)",
        "%s is resumed; %d expired meanwhile",
        "%s goes on in %s, where its owner had written",
    },
    "ops/openclaw_files.py": {" WHERE "},
    # what the figures of a rehearsal are called and say, and a unit
    "ops/ritual/direct.py": {"xin chào", " ms"},
    "ops/ritual/groups.py": {"Thành Viên Thử"},
    "store/sqlite/restored.py": {  # reasons that the store keeps
        "nobody knows whether it left since the copy of {when} was made",
        "the store was put back to {when}: it may have been answered since",
    },
    "cli/options.py": {  # help of options, too
        "The channel (default: the only one installed).",
        "Only this account (default: all).",
    },
    "words/holds.py": {  # what the store keeps
        ", the rest is for others",
        r"pacing\.warmUp day (\d+) of (\d+) \((\w+): (\d+)\)",
    },
    "words/login.py": {"{ channels: { ", ": { enabled: true } } }"},  # what the config has to have
    "words/times.py": {" GB"},
    "credentials/files.py": {"uid "},
    "credentials/profile.py": {"not asked"},  # a value of the record
    "gateway/control.py": {"the header Caller names no known caller"},  # to other programs
    "ops/process.py": {"the restart widens access: %s"},  # the log
    "ops/service.py": {"# Written by: openclaw gateway install\n"},
    "ops/unix_http.py": {" HTTP/1.1"},
    "plugins/catalog.py": {"Zalo Personal"},  # the name of the channel
    "plugins/untrusted.py": {"too large"},  # told as "is not a wheel"
    "zalouser/account_session.py": {"zalo friends", "zalo clocks"},  # what tasks are called
    "zalouser/channel.py": {
        " is not connected",
        "the account is not connected",
    },  # for the outbox and the agent
}
"""Texts that are in no catalogue, or in another way."""

_SAYING = frozenset(("t", "tn", "later", "in_each"))
_HELP = frozenset(("option", "argument", "command", "group", "channel_option", "account_option", "Choice"))
"""Calls whose texts are the help of commands, which the catalogue collects by itself."""

_LOGGING = frozenset(("debug", "info", "warning", "error", "exception", "log"))
_TWO_WORDS = re.compile(r"[A-Za-z]{2,}[,;:]? +[A-Za-z]{2,}")
_WORD_BESIDE_A_VALUE = re.compile(r"[A-Za-z]{2,} | [A-Za-z]{2,}")
_COMMAND = re.compile(
    r" *(openclaw|clawlane|chmod|chown|pip|timedatectl|systemctl|loginctl|export) | ?--[a-z]|"
    r"select |update |(?-i:INSERT|DELETE|PRAGMA) ",
    re.IGNORECASE,
)


def unmarked(code: str) -> Iterator[tuple[int, str]]:
    """Texts of several words that are neither marked nor help, a command, a docstring or for the log."""
    yield from _texts(ast.parse(code))


def _texts(node: ast.AST) -> Iterator[tuple[int, str]]:
    if isinstance(node, ast.Compare) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
        return
    if isinstance(node, ast.Call) and _passes(node):
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        if _TWO_WORDS.search(node.value) and not _COMMAND.match(node.value):
            yield node.lineno, node.value
    elif isinstance(node, ast.Dict):  # its keys are for programs
        for value in node.values:
            yield from _texts(value)
    elif isinstance(node, ast.JoinedStr):
        yield from _put_together(node)
    else:
        for below in ast.iter_child_nodes(node):
            yield from _texts(below)


def _put_together(node: ast.JoinedStr) -> Iterator[tuple[int, str]]:
    parts = [one.value for one in node.values if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    first = parts[0] if isinstance(node.values[0], ast.Constant) else ""
    if not _COMMAND.match(first):
        yield from (
            (node.lineno, one)
            for one in parts
            if _WORD_BESIDE_A_VALUE.search(one) and not _COMMAND.match(one)
        )
    for one in node.values:
        if isinstance(one, ast.FormattedValue):
            yield from _texts(one.value)


def _passes(call: ast.Call) -> bool:
    match call.func:
        case ast.Name(id=name):
            return name in _SAYING or name in _HELP
        case ast.Attribute(attr=name, value=ast.Name(id=owner)):
            return (owner == "click" and name in _HELP) or (
                owner in ("log", "_LOG", "logger") and name in _LOGGING
            )
        case ast.Attribute(attr=name):
            return name in ("option", "argument", "command", "group")
    return False


@pytest.mark.parametrize("room", ROOMS)
def test_every_text_of_a_room_is_marked(room: str) -> None:
    found = {text for _, text in unmarked((SOURCE / room).read_text(encoding="utf-8"))}
    assert found == NOT_SAID.get(room, set()), "say it by `t`, `tn` or `later`; see docs/languages.md"


@pytest.mark.parametrize("room", PLUGIN_ROOMS)
def test_every_text_of_a_room_of_the_plugin_is_marked(room: str) -> None:
    found = {text for _, text in unmarked((PLUGIN / room).read_text(encoding="utf-8"))}
    assert found == NOT_SAID.get(f"zalouser/{room}", set())


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("'''A module.'''\necho('it is gone')", ["it is gone"]),
        ("echo(t('it is gone'))\nW = {1: later('it is back')}", []),
        ("echo(f'{n} files')", [" files"]),
        ("echo(f'openclaw resume --account {name}')", []),
        ("echo(f'{a}: {b} · {c}')", []),
        ("log.info('it is %s', x)", []),
        ("@click.option('--x', help='How many of them.')\ndef f(): ...", []),
    ],
)
def test_what_counts_as_unmarked(code: str, found: list[str]) -> None:
    assert [text for _, text in unmarked(code)] == found

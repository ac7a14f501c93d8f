"""`config set` and `config unset`: what they write, refuse and say."""

from __future__ import annotations

import asyncio
import json
import shlex
from pathlib import Path

import pytest
from packages.clawlane.tests.ops_alone import owned

from clawlane.config.edit import backup_of
from clawlane.messages import Group, Person
from clawlane.store import directory

FILE = """\
// my lane
{
  channels: {
    parrot: {
      dmPolicy: 'pairing', // strangers ask
      proxy: 'http://me:secret@host:1',
      groups: { '9001': {} },
    },
  },
}
"""


@pytest.fixture
def file(perch) -> Path:
    perch.paths.config_file.write_text(FILE)
    return perch.paths.config_file


def test_a_value_is_written_with_its_diff_and_what_it_opens(perch, file: Path) -> None:
    told = perch("config set channels.parrot.dmPolicy open")
    assert told.code == 0
    assert file.read_text() == FILE.replace("'pairing', //", "'open', //")
    assert backup_of(file).read_text() == FILE
    assert told.out.splitlines() == [
        "@@ -5 +5 @@",
        "-      dmPolicy: 'pairing', // strangers ask",
        "+      dmPolicy: 'open', // strangers ask",
        "opens: parrot/default: DMs: anybody is answered without a pairing code (was: sent a pairing code)",
        f"Written: {file} (before: {backup_of(file)})",
        "No gateway runs; the next start applies it.",
    ]
    assert told.err.startswith("critical: channels.parrot.dmPolicy (line 5): 'open' lets anybody write")


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("set channels.parrot.dmPolicy everyone", "not one of pairing, allowlist, open, disabled"),
        ("set channels.parrot.botToken x", "this channel has no such key; this channel logs in by QR code"),
        ("set channels.parrot.dmPolice open", "unknown key; did you mean 'dmPolicy'?"),
        ("set dmPolicy open", "dmPolicy is a key of a channel; write channels.parrot.dmPolicy"),
        ("set channels.parrot.dmPolicy.x 1", "channels.parrot.dmPolicy is a single value"),
        (
            "set channels.parrot.groupAllowFrom 7",
            "groupAllowFrom is a list; run: openclaw config set channels.parrot.groupAllowFrom --add 7",
        ),
        ("set channels.parrot.historyLimit -5", "begins with a dash: openclaw config set -- PATH VALUE"),
        ("set channels.parrot.dmPolicy --add 7", "channels.parrot.dmPolicy is no list"),
        ("set channels.parrot.allowFrom --remove 7", "7 is not in channels.parrot.allowFrom"),
        ("set channels.parrot.dmPolicy", "give a VALUE"),
        ("set channels[ 1", "is no path"),
        ("unset channels.parrot.dmPolic", "is not set in the config file; did you mean 'dmPolicy'?"),
    ],
)
def test_what_cannot_be_written_is_refused(perch, file: Path, line: str, word: str) -> None:
    told = perch(f"config {line}")
    assert told.code == 1
    assert word in told.err
    assert told.err.count("\n") == 1
    assert file.read_text() == FILE
    assert not backup_of(file).exists()


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("allowFrom [1471383327500481391,7]", "allowFrom: ['1471383327500481391', '7']"),
        ("groups.9002 {requireMention:false}", "'9002': { requireMention: false }"),
        ("groups[9003] {}", "'9003': {}"),
        ("name 1471383327500481391", "name: '1471383327500481391'"),
        ("name 42", "name: '42'"),
        ("name open,closed", "name: 'open,closed'"),
        ("name '42'", "name: '42'"),
        ("historyLimit 5", "historyLimit: 5,"),
        ("numberChunks true", "numberChunks: true"),
        ("pacing.gap 2s", "pacing: { gap: '2s' }"),
    ],
)
def test_a_value_is_json5_or_else_a_text_and_ids_keep_their_digits(
    perch, file: Path, value: str, written: str
) -> None:
    assert perch(f"config set channels.parrot.{value}").code == 0
    assert written in file.read_text()


def test_lists_gain_and_lose_entries(perch, file: Path) -> None:
    add = "config set channels.parrot.allowFrom --add 1471383327500481391 --add Lan"
    assert perch(add).code == 0
    assert "allowFrom: ['1471383327500481391', 'Lan']" in file.read_text()
    assert perch(add).out == f"Nothing to change: {file} already says so.\n"
    assert perch("config set channels.parrot.allowFrom --remove 1471383327500481391 --add 8").code == 0
    assert "allowFrom: ['Lan', '8']" in file.read_text()


def know_group(perch) -> None:
    """The account has read that 9001 is a group."""

    async def keep() -> None:
        async with owned(perch.paths, "parrot/default") as account_store:
            await account_store.run(directory.keep_groups, [Group("9001", "Work", 3)])

    asyncio.run(keep())


def test_what_a_list_loses_is_told_with_how_to_add(perch, file: Path) -> None:
    perch("config set channels.parrot.allowFrom ['7','8']")
    told = perch("config set channels.parrot.allowFrom ['8','9']")
    assert told.err == "note: channels.parrot.allowFrom loses 7; to add to a list: --add ENTRY\n"
    assert perch("config set channels.parrot.allowFrom --remove 8 --json").json[0]["dropped"] == ["8"]
    assert perch("config set channels.parrot.allowFrom --remove 9").err == ""


@pytest.mark.parametrize(
    ("line", "place", "where"),
    [
        ("allowFrom --add 9001", "allowFrom[0]", "channels.parrot.groups['9001']"),
        ("groupAllowFrom ['9001']", "groupAllowFrom[0]", "channels.parrot.groups['9001']"),
        ("groups.9001.allowFrom --add 9001", "groups['9001'].allowFrom[0]", "channels.parrot.groups['9001']"),
        (
            "accounts.default.allowFrom ['9001']",
            "accounts.default.allowFrom[0]",
            "channels.parrot.accounts.default.groups['9001']",
        ),
    ],
)
def test_a_known_group_is_not_written_among_senders(
    perch, file: Path, line: str, place: str, where: str
) -> None:
    know_group(perch)
    told = perch(f"config set channels.parrot.{line}")
    assert (told.code, told.out, file.read_text()) == (1, "", FILE)
    assert told.err == (
        f"error: channels.parrot.{place} (line {told.err.partition('(line ')[2][0]}): this is a group (9001),"
        " and sender lists match people only; nothing was written; run: openclaw config set"
        f" {shlex.quote(where)} {{}}\n"
    )


@pytest.mark.parametrize("line", ["groups.4711 {}", "groups {'group:4711':{}}"])
def test_a_known_person_is_not_written_among_groups(perch, file: Path, line: str) -> None:
    async def keep() -> None:
        async with owned(perch.paths, "parrot/default") as account_store:
            await account_store.run(directory.keep_peers, [Person("4711", "Lan")])

    assert perch(f"config set channels.parrot.{line} --dry-run").code == 0, "nobody knows that it is a person"
    asyncio.run(keep())
    told = perch(f"config set channels.parrot.{line}")
    assert (told.code, told.out, file.read_text()) == (1, "", FILE)
    assert "4711 is a person, not a group; nothing was written" in told.err
    assert "openclaw config set channels.parrot.groupAllowFrom --add 4711" in told.err
    assert perch("config set channels.parrot.groups.9001 {}").code == 0


def test_a_group_that_stands_among_senders_already_keeps_nothing_from_being_written(
    perch, file: Path
) -> None:
    know_group(perch)
    file.write_text(FILE.replace("groups:", "allowFrom: ['7', '9001'], groups:"))
    assert perch("config set channels.parrot.allowFrom --remove 7").code == 0
    assert "allowFrom: ['9001']" in file.read_text()


def test_a_dry_run_says_the_same_and_writes_nothing(perch, file: Path) -> None:
    told = perch("config set channels.parrot.dmPolicy disabled --dry-run --json").json[0]
    assert (told["ok"], told["changed"], told["written"], told["backup"]) == (True, True, False, None)
    assert told["narrows"] == ["parrot/default: DMs: anybody is ignored (was: sent a pairing code)"]
    assert file.read_text() == FILE


def test_a_key_is_removed_with_its_comment(perch, file: Path) -> None:
    assert perch("config unset channels.parrot.dmPolicy").code == 0
    assert file.read_text() == FILE.replace("      dmPolicy: 'pairing', // strangers ask\n", "")


def test_secrets_are_shown_nowhere(perch, file: Path) -> None:
    told = perch("config set channels.parrot.proxy http://me:hunter2@host:1")
    assert "+      proxy: 'http://me:…@host:1'," in told.out
    assert "hunter2" not in told.out + told.err
    assert "hunter2" in file.read_text()
    assert perch("config get channels.parrot.proxy").out == "http://me:…@host:1\n"
    perch("config set models.providers.openai.apiKey sk-other")
    assert "sk-other" in file.read_text()
    for line in ("config get", "config get --effective", "config get --effective models --json"):
        told = perch(line)
        assert "…" in told.out
        assert not {"hunter2", "sk-other"} & set(told.out.replace("'", '"').split('"'))


LISTS = """
  webhooks: [{ url: 'https://host/hunter2', secret: 'hunter2-is-long-enough' }],
  agents: { list: [{ id: 'far', brain: { kind: 'endpoint', url: 'https://host/v1', apiKey: 'hunter2' } }] },
  mcp: { servers: { files: { command: 'srv', args: ['--token', 'hunter2', '--api-key=hunter2', 'x'] } } },
  console:"""


@pytest.mark.parametrize(
    "edit",
    [
        "webhooks[0].content true",
        "webhooks[0].secret hunter2-and-another",
        "webhooks[0].url https://other/hunter2",
        "agents.list[0].timeoutSeconds 60",
        "mcp.servers.files.args --add y",
        "mcp.servers.files.args --remove hunter2",
    ],
)
def test_secrets_in_lists_are_shown_nowhere(perch, file: Path, edit: str) -> None:
    file.write_text(FILE.replace("\n}\n", f"\n{LISTS.strip()} {{}},\n}}\n"))
    told = perch(f"config set {edit}")
    assert (told.code, "…" in told.out) == (0, True), told.err
    for path in ("webhooks[0]", "agents.list[0]", "mcp.servers.files.args", "mcp.servers.files.args[1]"):
        told.out += perch(f"config get {path}").out
    assert "hunter2" not in told.out + told.err


def test_a_change_may_mend_a_file_that_cannot_be_used(perch, file: Path) -> None:
    file.write_text(FILE.replace("pairing", "everyone"))
    told = perch("config set channels.parrot.dmPolicy disabled")
    assert (told.code, "opens" in told.out) == (0, False)
    assert file.read_text() == FILE.replace("pairing", "disabled")


def test_a_missing_file_is_made_and_private(perch) -> None:
    perch.paths.config_file.unlink()
    assert perch("config file").out == f"{perch.paths.config_file}\n"
    assert perch("config set channels.parrot.groupPolicy disabled").code == 0
    assert perch.paths.config_file.stat().st_mode & 0o777 == 0o600
    assert json.loads(perch("config file --json").out)["exists"] is True
    assert perch("config get channels.parrot.groupPolicy").out == "disabled\n"


@pytest.mark.parametrize(
    ("path", "lines"),
    [
        ("channels.parrot.dmPolicy", ["pairing", "From: channels.parrot.dmPolicy, line 5"]),
        ("channels.parrot.groupPolicy", ["allowlist", "From: built-in"]),
        ("channels.parrot.pacing.gap", ["1s", "From: built-in"]),
        ("channels.parrot.groups.9001.requireMention", ["true", "From: built-in"]),
        ("channels.parrot.groups['9001'].allow", ["true", "From: built-in"]),
        ("agents.list.0.id", ["a", "From: agents.list[0].id, line 11"]),
        ("messages.groupChat.mentionPatterns.1", ["^b", "From: messages.groupChat.mentionPatterns, line 10"]),
        ("messages.inbound.debounceMs", ["0", "From: built-in"]),
        ("session.reset.mode", ["not set", "From: built-in"]),
    ],
)
def test_a_value_in_force_is_told_with_its_origin(perch, file: Path, path: str, lines: list[str]) -> None:
    more = (
        "  messages: { groupChat: { mentionPatterns: ['a', '^b'] } },\n  agents: { list: [{ id: 'a' }] },\n"
    )
    file.write_text(FILE.removesuffix("}\n") + more + "}\n")
    told = perch(f"config get --effective {path}")
    assert told.out.splitlines() == [*lines, "Rules: from the file (no gateway runs)"]


def test_accounts_differ_and_inherit(perch) -> None:
    perch.configure(
        "{ pacing: { gap: '2s' }, enabled: false, accounts: { a: { dmPolicy: 'open', pacing: {} }, b: {} } },"
        " defaults: { groupPolicy: 'disabled' }"
    )
    told = perch("config get --effective channels.parrot.pacing.gap --json").json[0]
    assert [(one["account"], one["value"], one["origin"], one["set_at"]) for one in told["values"]] == [
        ("parrot/a", "1s", "built-in", None),
        ("parrot/b", "2s", "channel", "channels.parrot.pacing.gap"),
    ]
    assert told["rules"]["source"] == "file"
    assert perch("config get --effective channels.parrot.accounts.a.dmPolicy").out.startswith("open\nFrom: ")
    told = perch("config get --effective channels.parrot.groupPolicy --account b --json").json[0]["values"]
    assert [(one["value"], one["set_at"]) for one in told] == [("disabled", "channels.defaults.groupPolicy")]
    assert perch("config get --effective channels.parrot.enabled").out.startswith("false\n")
    assert perch("config get --effective channels.parrot.dmPolicy").out.splitlines()[1:3] == [
        "a        open     account, line 1",
        "b        pairing  built-in",
    ]


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("--effective channels.parrot.dmPolic", "did you mean 'dmPolicy'?"),
        ("--effective channels.parrot.accounts.x.dmPolicy", "there is no account parrot/x"),
        ("--effective channels.zalouser.dmPolicy", "openclaw plugins install @openclaw/zalouser"),
        ("--effective nothing", "known there: channels, "),
        ("channels --account x", "go with --effective"),
        ("channels.parrot.nothing", "channels.parrot.nothing is no key of the config"),
        ("channels.parrot.dmpolicy", "is no key of the config; did you mean 'channels.parrot.dmPolicy'?"),
        (
            "channels.parrot.historyLimit",
            "is not set in the config file; what counts: openclaw config get --effective channels.parrot",
        ),
    ],
)
def test_what_cannot_be_asked_for_is_an_error(perch, line: str, word: str) -> None:
    told = perch(f"config get {line}")
    assert told.code == 1
    assert word in told.err


def test_a_channel_without_a_block_has_its_built_in_values(perch) -> None:
    perch.paths.config_file.write_text("{}")
    assert perch("config get --effective channels.parrot.dmPolicy").out.startswith(
        "pairing\nFrom: built-in\n"
    )
    assert perch("config get --effective channels.parrot.enabled").out.startswith("false\nFrom: built-in\n")


def test_another_file_can_be_checked(perch, tmp_path: Path) -> None:
    other = tmp_path / "new.json5"
    assert perch(f"config validate {other}").code == 1
    other.write_text("{ channels: { parrot: { dmPolicy: 'open' } } }")
    told = perch(f"config validate {other}")
    assert (told.code, told.out) == (0, f"ok: {other}\n")
    assert told.err.startswith("critical: channels.parrot.dmPolicy (line 1)")

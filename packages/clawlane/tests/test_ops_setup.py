"""What the answers of a setup come to: a first file with comments, and additions to one that is there."""

from __future__ import annotations

import asyncio
import json
import stat
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packages.clawlane.tests.ops_alone import NOW

from clawlane.channel import Account, Manifest
from clawlane.config.choices import DmPolicy, GroupPolicy, OutboundMode, PairingReply, Reload
from clawlane.config.errors import ConfigError
from clawlane.config.load import Config, load, load_source
from clawlane.config.paths import Paths
from clawlane.config.source import parse_source, read_source
from clawlane.ops.context import OpContext
from clawlane.ops.operation import Caller, OpError
from clawlane.ops.setup import Look, Propose, Write, Written, look, propose, write
from clawlane.ops.setup_answers import EVERYBODY, AgentChoice, AlertChoice, Answers, GroupChoice, Named
from clawlane.ops.setup_draft import Drafted, DropDraft, KeepDraft, drafted, drop_draft, keep_draft
from clawlane.ops.setup_plan import planned
from clawlane.ops.setup_text import account_values, agent_values, first_file
from clawlane.plugins.registry import Registry
from clawlane.texts import in_locale
from clawlane_zalouser.manifest import MANIFEST

LAN, HUNG = Named("8200000000000000002", "Trần Thị Lan"), Named("8200000000000000003", "Lê Văn Hùng")
WORK = "9100000000000000001"
CAREFUL = Answers(
    dm_policy=DmPolicy.PAIRING,
    allow_from=(),
    pairing_reply=PairingReply.FRIENDS_SILENT,
    group_policy=GroupPolicy.DISABLED,
    agent=AgentChoice(),
    reload=Reload.ASK,
)
"""What `--yes` takes."""

FIRST = """\
// The config of the gateway, written by `openclaw onboard`. It is JSON5:
// comments and trailing commas are allowed. After a change:
// openclaw config validate
{
  channels: {
    zalouser: {
      enabled: true,

      // Direct messages. 'pairing': somebody new gets no answer, but a
      // request that you see in `openclaw pairing list zalouser` and approve
      // with `openclaw pairing approve`. The other words: 'allowlist'
      // (allowFrom alone), 'open' (everybody), 'disabled'.
      dmPolicy: 'pairing',

      // Answered without a request: nobody yet. Ids:
      // openclaw directory peers list --channel zalouser
      allowFrom: [],

      // Who is sent a pairing code by text. 'friends-silent': strangers only,
      // because bot texts to friends are what people complain about most; you
      // see the requests of friends in `openclaw pairing list`.
      pairing: { reply: 'friends-silent' },

      // Groups. 'disabled': none is answered. Verify direct messages first;
      // then write 'allowlist' with ids from:
      // openclaw directory groups list --channel zalouser
      groupPolicy: 'disabled',
    },
  },

  agents: {
    defaults: {
      // Who answers. An echo repeats each message: enough for a first try.
      brain: { kind: 'echo' },
    },
  },

  gateway: {
    // An edit of this file that narrows access holds at once; one that widens
    // it waits for `openclaw config apply`, or for the next start of the
    // gateway. With 'auto' both hold at once.
    reload: 'ask',
  },
}
"""
HOURS = """\
  // Where days begin for budgets and quiet hours, and in which zone times are
  // shown.
  timezone: 'Asia/Ho_Chi_Minh',

  channels: {
    zalouser: {
      enabled: true,

      // Nothing is sent on its own between these hours. 'hold': replies wait
      // for the end; 'drop': they are not sent.
      quietHours: { from: '22:00', to: '07:00', do: 'hold' },

      // How fast messages may leave. warmUp: a new session sends 10 replies
      // on its first day, and more every day, up to the normal limits after a
      // week.
      pacing: { warmUp: true },
    },
  },
}
"""
WIDER = """\
// The config of the gateway, written by `openclaw onboard`. It is JSON5:
// comments and trailing commas are allowed. After a change:
// openclaw config validate
{
  channels: {
    zalouser: {
      enabled: true,

      accounts: {
        work: {
          // Direct messages. 'allowlist': only the people in allowFrom are
          // answered; approvals of pairing do not count. The other words:
          // 'pairing', 'open' (everybody), 'disabled'.
          dmPolicy: 'allowlist',

          // The people who are answered. Ids, because names change.
          allowFrom: [
            '8200000000000000002', // Trần Thị Lan
            '8200000000000000009',
          ],

          // Groups. 'allowlist': only those below are heard. The other words:
          // 'disabled', 'open' (every group that the account is in).
          groupPolicy: 'allowlist',

          // requireMention: only a message that mentions or quotes the
          // account is answered; the others are kept as context for its next
          // answer. allowFrom: who may speak there.
          groups: {
            // Nhóm Làm Việc
            '9100000000000000001': {
              requireMention: true,
              allowFrom: [
                '8200000000000000003', // Lê Văn Hùng
              ],
            },
            '9100000000000000002': {
              requireMention: true,
              allowFrom: ['*'],
            },
          },
        },
      },
    },
  },

  agents: {
    defaults: {
      // Who answers: a server that speaks OpenAI's chat API.
      // The key is read from the variable AGENT_KEY of the gateway's
      // environment.
      brain: {
        kind: 'endpoint',
        url: 'http://127.0.0.1:11434/v1',
        model: 'qwen3',
        apiKey: '${AGENT_KEY}',
      },
    },
  },
}
"""


class OnlyZalo(Registry):
    """The real plugin, as if it had been installed in this state directory."""

    def manifests(self) -> tuple[Manifest, ...]:
        return (MANIFEST,)

    def installable(self) -> Mapping[str, str]:
        return {}

    def broken(self) -> Mapping[str, Any]:
        return {}

    def find(self, name: str) -> Manifest:
        return MANIFEST


@pytest.fixture
def ctx(paths: Paths) -> OpContext:
    return OpContext(paths, {}, lambda: NOW, Caller.CLI, plugins=OnlyZalo(paths))


def config_of(text: str) -> Config:
    return load_source(parse_source(Path("config.json5"), text.encode()), OnlyZalo(Paths(Path(), Path())), {})


def put(ctx: OpContext, text: str) -> None:
    ctx.paths.config_file.write_text(text, encoding="utf-8")


async def written(ctx: OpContext, account: str | None, answers: Answers) -> Written:
    """What a setup does once it is confirmed."""
    shown = await propose(ctx, Propose("zalouser", account, answers))
    assert shown.problems == ()
    return await write(ctx, Write("zalouser", account, answers, shown.revision))


def test_the_first_file_explains_each_choice() -> None:
    assert first_file("zalouser", None, CAREFUL) == FIRST
    config = config_of(FIRST)
    assert [one for one in config.warnings if "gateway" not in one.path] == []
    (account,) = config.channels["zalouser"].accounts
    assert (account.id, account.settings.pairing.reply) == ("default", PairingReply.FRIENDS_SILENT)


def test_a_named_account_groups_and_an_agent_have_their_place_in_it() -> None:
    answers = Answers(
        dm_policy=DmPolicy.ALLOWLIST,
        allow_from=(LAN, Named("8200000000000000009")),
        group_policy=GroupPolicy.ALLOWLIST,
        groups=(
            GroupChoice(WORK, "Nhóm Làm Việc", (HUNG,)),
            GroupChoice("9100000000000000002", "", (EVERYBODY,)),
        ),
        agent=AgentChoice("endpoint", "http://127.0.0.1:11434/v1", "qwen3", "AGENT_KEY"),
    )
    assert first_file("zalouser", "work", answers) == WIDER
    (account,) = config_of(WIDER).channels["zalouser"].accounts
    assert account.settings.groups[WORK].allow_from == (HUNG.id,)


ids = st.integers(min_value=10**14, max_value=10**19).map(str)
names = st.text(max_size=80) | st.sampled_from(
    ["*/ dmPolicy: 'open', /*", "a\ndmPolicy: 'open'", "a\u2028b", "a\x85b", "\u202egnol", "'}", "\\"]
)
people = st.lists(st.builds(Named, ids, names), max_size=4, unique_by=lambda one: one.id).map(tuple)
senders = people | st.just((EVERYBODY,))
texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30).filter(lambda one: one.strip() == one)
agents = st.one_of(
    st.just(AgentChoice()),
    st.builds(
        AgentChoice,
        st.just("endpoint"),
        st.sampled_from(["http://127.0.0.1:1/v1", "https://agent.example/it's"]),
        texts | st.just(""),
        st.sampled_from(["", "AGENT_KEY"]),
        st.sampled_from(["", "/etc/it's a key"]),
    ),
    st.builds(AgentChoice, st.just("model"), model=st.just("mine/qwen3")),
    st.builds(
        AgentChoice,
        st.sampled_from(["acp", "command"]),
        command=st.lists(texts, min_size=1, max_size=3).map(tuple),
    ),
)
groups = st.lists(
    st.builds(GroupChoice, ids, names, st.none() | senders), max_size=3, unique_by=lambda one: one.id
).map(tuple)
answers_of_all_kinds = st.builds(
    Answers,
    st.sampled_from(DmPolicy),
    st.none() | people,
    st.none() | st.sampled_from(PairingReply),
    st.sampled_from(GroupPolicy),
    st.none() | groups,
    st.none() | senders,
    st.none() | st.sampled_from(["30m", "0s"]),
    st.none() | agents,
    st.none() | st.sampled_from(Reload),
    st.none() | st.sampled_from(OutboundMode),
    alerts=st.none()
    | st.builds(AlertChoice)
    | st.builds(AlertChoice, st.just("webhook"), st.just("https://h.example/it's"), st.just("HOOK"))
    | st.builds(AlertChoice, st.just("command"), command=st.lists(texts, min_size=1).map(tuple)),
    owner_commands=st.none() | st.booleans(),
)


@settings(max_examples=80, deadline=None)
@given(answers_of_all_kinds, st.sampled_from([None, "work", "a-b"]))
def test_whatever_was_answered_the_first_file_says_it_and_nothing_else(
    answers: Answers, account: str | None
) -> None:
    text = first_file("zalouser", account, answers)
    said = parse_source(Path("config.json5"), text.encode()).data
    own = account_values(answers)
    block = {"enabled": True, "accounts": {account: own}} if account else {"enabled": True, **own}
    wanted: dict[str, Any] = {"channels": {"zalouser": block}}
    if answers.agent is not None:
        wanted["agents"] = {"defaults": agent_values(answers.agent)}
    if answers.reload is not None:
        wanted["gateway"] = {"reload": str(answers.reload)}
    assert said == wanted
    assert refused(text) <= {"agents", "models"}  # by what rules say of agents, never for the text itself


def refused(text: str) -> set[str]:
    """The sections of a config that the loader finds problems in."""
    try:
        config_of(text)
    except ConfigError as error:
        return {one.path.split(".")[0] for one in error.problems}
    return set()


async def test_a_file_is_made_private_in_a_private_folder(ctx: OpContext) -> None:
    assert (await written(ctx, None, CAREFUL)).backup == ""
    file = ctx.paths.config_file
    assert file.read_text(encoding="utf-8") == FIRST
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(ctx.paths.state.stat().st_mode) == 0o700
    assert [one.name for one in file.parent.iterdir() if one.name.startswith(".")] == []


def test_hours_are_written_with_their_comments() -> None:
    answers = Answers(timezone="Asia/Ho_Chi_Minh", quiet_hours="22:00-07:00", warm_up=True)
    text = first_file("zalouser", None, answers)
    assert text.partition("{\n")[2] == HOURS


async def test_hours_are_added_to_a_file_that_is_there(ctx: OpContext) -> None:
    put(ctx, "{ channels: { zalouser: { dmPolicy: 'open', pacing: { enabled: true } } } }")
    answers = Answers(timezone="Asia/Ho_Chi_Minh", quiet_hours="22:00-07:00", warm_up=True)
    await written(ctx, None, answers)
    assert read_source(ctx.paths.config_file).data == {
        "channels": {
            "zalouser": {
                "dmPolicy": "open",
                "pacing": {"enabled": True, "warmUp": True},
                "quietHours": {"from": "22:00", "to": "07:00", "do": "hold"},
            }
        },
        "timezone": "Asia/Ho_Chi_Minh",
    }


def test_a_first_config_has_the_language_of_the_terminal() -> None:
    assert "locale" not in first_file("zalouser", None, CAREFUL)
    with in_locale("vi"):
        for answers in (CAREFUL, Answers(timezone="")):
            written = first_file("zalouser", None, answers)
            assert parse_source(Path("config.json5"), written.encode()).data["locale"] == "vi"


async def test_no_hours_are_no_keys(ctx: OpContext) -> None:
    assert account_values(Answers(quiet_hours="", timezone="")) == {}
    assert "timezone" not in first_file("zalouser", None, Answers(timezone=""))


async def test_a_file_that_appeared_meanwhile_is_left_alone(ctx: OpContext) -> None:
    shown = await propose(ctx, Propose("zalouser", None, CAREFUL))
    put(ctx, "{}")
    with pytest.raises(OpError, match="changed by something else"):
        await write(ctx, Write("zalouser", None, CAREFUL, shown.revision))
    assert ctx.paths.config_file.read_text() == "{}"


async def test_an_open_posture_is_a_critical_finding(ctx: OpContext) -> None:
    shown = await propose(ctx, Propose("zalouser", None, replace(CAREFUL, dm_policy=DmPolicy.OPEN)))
    assert [(one.severity, one.code) for one in shown.findings] == [("critical", "dm_open")]


HAND_MADE = """\
{
  // mine
  channels: {
    zalouser: {
      dmPolicy: 'allowlist', // family only
      allowFrom: ['8200000000000000002'],
    },
  },
}
"""


async def test_what_the_file_says_already_is_told_and_not_asked(ctx: OpContext) -> None:
    put(ctx, HAND_MADE)
    found = await look(ctx, Look("zalouser"))
    assert found.configured
    assert [(one.question, one.line, one.value) for one in found.settings] == [
        ("dm_policy", 5, "allowlist"),
        ("allow_from", 6, ""),
    ]
    with pytest.raises(OpError, match=r"channels\.zalouser\.dmPolicy is in line 5 of the config already"):
        await propose(ctx, Propose("zalouser", None, CAREFUL))


async def test_what_is_missing_is_added_and_comments_stay(ctx: OpContext) -> None:
    put(ctx, HAND_MADE)
    answers = Answers(group_policy=GroupPolicy.DISABLED, agent=AgentChoice(), reload=Reload.ASK)
    done = await written(ctx, None, answers)
    text = ctx.paths.config_file.read_text()
    assert done.backup == f"{ctx.paths.config_file}.bak"
    assert all(line in text for line in HAND_MADE.splitlines() if line.strip() not in ("}", "},"))
    assert config_of(text).source.data == {
        "channels": {
            "zalouser": {
                "dmPolicy": "allowlist",
                "allowFrom": ["8200000000000000002"],
                "groupPolicy": "disabled",
            }
        },
        "agents": {"defaults": {"brain": {"kind": "echo"}}},
        "gateway": {"reload": "ask"},
    }


async def test_what_is_added_has_the_comments_of_a_first_file(ctx: OpContext) -> None:
    put(ctx, HAND_MADE)
    await written(ctx, "work", Answers(dm_policy=DmPolicy.PAIRING, allow_from=(LAN,), reload=Reload.AUTO))
    assert ctx.paths.config_file.read_text() == ADDED


ADDED = """\
{
  // mine
  channels: {
    zalouser: {
      dmPolicy: 'allowlist', // family only
      allowFrom: ['8200000000000000002'],
      accounts: {
        default: {},

        work: {
          // Direct messages. 'pairing': somebody new gets no answer, but a
          // request that you see in `openclaw pairing list zalouser` and
          // approve with `openclaw pairing approve`. The other words:
          // 'allowlist' (allowFrom alone), 'open' (everybody), 'disabled'.
          dmPolicy: 'pairing',

          // Answered without a request. Ids, because names change.
          allowFrom: [
            '8200000000000000002', // Trần Thị Lan
          ],
        },
      },
    },
  },

  gateway: {
    // Edits of this file hold at once, those that widen access, too. With
    // 'ask' these wait for `openclaw config apply`, or for the next start of
    // the gateway.
    reload: 'auto',
  },
}
"""


@pytest.mark.parametrize(
    ("before", "comments"),
    [
        ('{\n  "channels": {}\n}', False),
        ('{\n  // mine\n  "channels": {},\n}', True),
        ("{ channels: {} }", False),
        ("{}", True),
    ],
)
async def test_plain_json_and_a_file_of_one_line_get_no_comments(
    ctx: OpContext, before: str, comments: bool
) -> None:
    put(ctx, before)
    await written(ctx, None, replace(CAREFUL, agent=None))
    assert ("// Direct messages." in ctx.paths.config_file.read_text()) is comments


async def test_a_pairing_text_of_ones_own_stays_beside_the_reply(ctx: OpContext) -> None:
    put(ctx, "{ channels: { zalouser: { pairing: { text: 'Code: {code}' } } } }")
    await written(ctx, None, Answers(pairing_reply=PairingReply.SILENT))
    assert load(ctx.paths, OnlyZalo(ctx.paths), {}).source.data["channels"]["zalouser"] == {
        "pairing": {"text": "Code: {code}", "reply": "silent"}
    }


def accounts(config: Config) -> dict[str, Account]:
    """The accounts by id; what is a field of the account counts there, not in its settings."""
    own = {"profile": "", "name": "", "enabled": True}
    found = config.channels["zalouser"].accounts
    return {one.id: replace(one, settings=one.settings.model_copy(update=own)) for one in found}


async def test_a_second_account_leaves_the_only_one_what_it_was(ctx: OpContext) -> None:
    put(
        ctx,
        "{ channels: { zalouser: { profile: 'old', name: 'Home', dmPolicy: 'open',"
        " allowFrom: ['8200000000000000002'], groups: { '9100000000000000001': {} },"
        " pairing: { text: 'Code: {code}' } } } }",
    )
    before = accounts(ctx.written_config())
    await written(ctx, "work", replace(CAREFUL, agent=None, reload=None))
    config = ctx.written_config()
    after = accounts(config)
    assert after["default"] == before["default"]
    assert config.channels["zalouser"].default_account == "default"
    work = after["work"]
    assert (work.profile, work.name) == ("work", "")
    assert (work.settings.dm_policy, work.settings.allow_from) == (DmPolicy.PAIRING, ())
    assert work.settings.groups == {}
    assert work.settings.pairing.text == "Code: {code}"


async def test_a_name_that_would_come_first_does_not_become_the_default(ctx: OpContext) -> None:
    put(ctx, "{ channels: { zalouser: { profile: 'p', accounts: { Shop: {} } } } }")
    before = accounts(ctx.written_config())
    shown = await propose(ctx, Propose("zalouser", "home", CAREFUL))
    assert (shown.account_named, shown.default_pinned) == ("", "shop")
    await written(ctx, "home", CAREFUL)
    config = ctx.written_config()
    assert config.channels["zalouser"].default_account == "shop"
    assert accounts(config)["shop"] == before["shop"]


account_blocks = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["Home", "it's"]),
        "profile": st.sampled_from(["p1", "p2"]),
        "dmPolicy": st.sampled_from([str(one) for one in DmPolicy]),
        "allowFrom": st.lists(ids, max_size=2),
        "groupPolicy": st.sampled_from([str(one) for one in GroupPolicy]),
        "groupAllowFrom": st.lists(ids, max_size=2),
        "groups": st.dictionaries(ids, st.just({"requireMention": False}), max_size=2),
        "pairing": st.sampled_from([{"reply": "code"}, {"text": "{code}"}]),
        "historyLimit": st.just(3),
    },
)


@settings(max_examples=60, deadline=None)
@given(
    account_blocks,
    st.none() | st.dictionaries(st.sampled_from(["default", "Shop", "zoo"]), account_blocks, max_size=3),
    st.sampled_from(["home", "a", "zz"]),
    st.sampled_from([{}, {"ZALOUSER_PROFILE": "env"}]),
)
def test_a_new_account_never_changes_another_and_inherits_no_people(
    tmp_path_factory: pytest.TempPathFactory,
    block: dict[str, Any],
    others: dict[str, Any] | None,
    name: str,
    environ: dict[str, str],
) -> None:
    folder = tmp_path_factory.mktemp("setup")
    paths = Paths(folder / "state", folder / "config.json5")
    ctx = OpContext(paths, environ, lambda: NOW, Caller.CLI, plugins=OnlyZalo(paths))
    whole = {**block, **({} if others is None else {"accounts": others})}
    put(ctx, json.dumps({"channels": {"zalouser": whole}}))
    try:
        before = ctx.written_config()
    except ConfigError:
        return  # two accounts on one profile
    asyncio.run(written(ctx, name, CAREFUL))
    after = ctx.written_config()
    assert after.channels["zalouser"].default_account == before.channels["zalouser"].default_account
    assert {key: accounts(after)[key] for key in accounts(before)} == accounts(before)
    new = accounts(after)[name].settings
    assert (new.dm_policy, new.group_policy, new.allow_from) == (DmPolicy.PAIRING, GroupPolicy.DISABLED, ())
    assert (new.group_allow_from or (), new.groups or {}) == ((), {})


async def test_an_account_can_be_worked_with_before_the_config_has_it(ctx: OpContext) -> None:
    put(ctx, HAND_MADE)
    plan = replace(ctx, plan=planned(ctx, "zalouser", "work", Answers()))
    assert plan.target("zalouser", "work").account.profile == "work"
    assert plan.target("zalouser", None).account.profile == "default"
    assert ctx.paths.config_file.read_text() == HAND_MADE


async def test_a_bad_account_name_is_refused(ctx: OpContext) -> None:
    with pytest.raises(OpError, match="'a b' is not a valid account name"):
        await look(ctx, Look("zalouser", "a b"))


async def test_answers_are_kept_privately_until_they_are_dropped(ctx: OpContext) -> None:
    asked = ("zalouser", "default")
    assert await drafted(ctx, Drafted(*asked)) is None
    await keep_draft(ctx, KeepDraft(*asked, CAREFUL))
    found = await drafted(ctx, Drafted(*asked))
    assert found is not None
    assert (found.answers, found.at_ms) == (CAREFUL, NOW)
    (file,) = ctx.paths.setup_dir.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert await drafted(ctx, Drafted("zalouser", "work")) is None
    assert await drop_draft(ctx, DropDraft(*asked))
    assert not await drop_draft(ctx, DropDraft(*asked))


async def test_a_damaged_draft_is_none(ctx: OpContext) -> None:
    await keep_draft(ctx, KeepDraft("zalouser", "default", CAREFUL))
    (file,) = ctx.paths.setup_dir.iterdir()
    file.write_text("{")
    assert await drafted(ctx, Drafted("zalouser", "default")) is None

"""What findings and problems say to people: the one place where a code and its data become words.

`doctor`, `channels status` and the log show these words; `--json` has them beside the code.
"""

from __future__ import annotations

from typing import Any, Final

from clawlane.abilities import Ability, what, when_off
from clawlane.alarm_kinds import AlarmKind
from clawlane.clock import length
from clawlane.ops.account_status import Problem, ProblemCode
from clawlane.ops.alarm_text import sentence
from clawlane.ops.findings import Finding, Severity
from clawlane.texts import later, t, tn

_WORDS: Final = {
    # who may write
    "dm_open": (later("'open' lets anybody write directly"), later("write 'pairing'")),
    "dm_open anyone": (
        later("'*' lets anybody write directly, whatever dmPolicy says of strangers"),
        later("write the ids of people instead"),
    ),
    "groups_open anyone": (
        later("'*' stands for every group, and anybody may speak there, as under 'open'"),
        later("write the ids of groups as keys, or of people into {senders}"),
    ),
    "groups_open": (later("'open' lets every group call the agent"), later("write 'allowlist'")),
    "groups_nobody": (
        later("{groups} let in, but nobody may speak there: the list is empty"),
        later("write the ids of people into {list}; for anybody add groupAllowFrom: ['*']"),
    ),
    "group_nobody": (
        later("group {group} is let in, but nobody may speak there: its list is empty"),
        later("write the ids of people into {list}, or ['*'] for anybody"),
    ),
    "denial_unresolved": (
        later("shuts out a group that is not known by this name, so every group without an entry stays out"),
        later("write the id of that group as the key"),
    ),
    "dm_nobody": (
        later("is 'allowlist', and allowFrom lists nobody"),
        later("write allowFrom, or 'pairing'"),
    ),
    "policy_unset": (
        later("is not set, so '{value}' holds: only groups under `groups` are heard"),
        later("write {path}: '{value}' to say that it is meant"),
    ),
    "owner_anyone": (
        later("'*' makes everybody who writes an owner, whose control commands count everywhere"),
        later("write the ids of the owners"),
    ),
    "owner_name": (
        later("{entry!r} is a name and matches nobody: owners are named by id"),
        later("write the id"),
    ),
    # names, each at its entry
    "name_like_id": (
        later("{entry!r} is taken for a name; if an id is meant, write digits only"),
        later("write '{digits}'"),
    ),
    "name_waiting": (
        later("the name {entry!r} has not been looked up yet"),
        later("it is looked up when the gateway connects next; or run: openclaw doctor --fix"),
    ),
    "name_pinned": (later("the name {entry!r} is pinned to {id}"), later("write '{id}'")),
    "name_ambiguous": (
        later("several are called {entry!r}, so it matches none"),
        later("write one of {candidates}"),
    ),
    "name_unresolved": (
        later("{nobody} is called {entry!r}, so it matches nothing"),
        later(
            "write the id; find it: openclaw directory {kind} list --channel {channel} --account"
            " {account}; only `openclaw doctor --fix` looks the name up again, which helps once somebody"
            " is called so"
        ),
    ),
    "sender_in_groups": (
        later("{id} is a person, not a group"),
        later("write '{id}' into groupAllowFrom, and the id of a group here"),
    ),
    "group_in_senders": (
        later("this is a group ({id}), and sender lists match people only"),
        later("write it under groups: {{ '{id}': {{}} }}"),
    ),
    # names, at the list that they stand in
    "name_waiting in list": (
        later("{entry!r} is a name that has not been looked up yet"),
        later("until then it matches nobody"),
    ),
    "name_unresolved in list": (
        later("nobody the account knows is called {entry!r}, so it matches nobody"),
        later("write the id"),
    ),
    "entry_twice": (later("{entry!r} stands in this list already"), later("remove it")),
    # the file beside a running gateway
    "config_refused": (
        later(
            "the running gateway keeps the config that it has applied last, for it cannot use the file:"
            " {text}"
        ),
        later("fix that; the file is then applied automatically"),
    ),
    "config_waits": (
        later("was edited; the edit widens access, so it waits: {text}"),
        later("run: openclaw config apply --revision {revision}"),
    ),
    "webhook_fails": (
        later("the webhook at {host} does not take what it is told: {text}"),
        later("openclaw webhooks list"),
    ),
    "upgrade_waits": (
        later("is paused since the upgrade from {was} to {version}, which changed: {text}"),
        later("accept that: openclaw upgrade accept; or edit the config, and then accept"),
    ),
    "store_failing": (
        later("the gateway cannot store what it is told: {text}"),
        later("check free space, the disk and the database; then, if it stays so: openclaw gateway restart"),
    ),
    "record_cut": (
        later("the end of its record, at entry {entry}, does not fit what is noted of it beside the store"),
        later("see what is missing: openclaw audit verify"),
    ),
    # files
    "permissions": (later("readable by other users ({mode})"), later("run: chmod go-rwx '{path}'")),
    "permissions of more": (later("{count} more files like these"), later("run: chmod -R go-rwx '{path}'")),
    "foreign_owner": (
        later("belongs to {owner}, not to you"),
        later("look at it, then remove it or run: chown {uid} '{path}'"),
    ),
    "state_writable": (
        later("others may write into it ({mode}), so nothing starts on it"),
        later("look at what is in it, then run: chmod 700 '{path}'"),
    ),
    "link_in_state": (
        later("is a link to {target}: what is kept there is not as private as this directory"),
        later("put the file or folder itself here"),
    ),
    "odd_file": (
        later("is neither a file nor a folder, and nothing of clawlane's"),
        later("look at it, then run: rm '{path}'"),
    ),
    "scratch_left": (later("is left from a write that was cut off"), later("run: rm '{path}'")),
    "config_writable": (
        later("others may write the config ({mode}), so nothing starts with it"),
        later("look at what is in it, then run: chmod 600 '{path}'"),
    ),
    "config_readable": (
        later("others can read the config ({mode}); the next start makes it private"),
        later("run: chmod go-rwx '{path}'"),
    ),
    "key_missing": (
        later("the sealing key ({set_by}) cannot be read: {reason}"),
        later("put it there; without it no session can be opened"),
    ),
    "key_permissions": (
        later("others can get at the sealing key ({mode})"),
        later("run: chmod go-rwx '{path}'"),
    ),
    "key_unused": (later("is not used: the sealing key is {key} ({set_by})"), later("run: rm '{path}'")),
    # agents
    "agent_echo": (
        later("agent {agent} answers with an echo, which repeats each message"),
        later("configure `brain` or `model`"),
    ),
    "agent_child": (
        later(
            "agent {agent} ({kind}) runs as your user and can read your files; the process list is then no"
            " longer Python alone, while the channel stays in the gateway's process"
        ),
        "",
    ),
    "agent_operators": (
        later(
            "agent {agent} takes everybody who writes to it for its operator, so everybody you admit"
            " speaks to an operator-level agent"
        ),
        later("admit only people whom you would let use it themselves"),
    ),
    "tools_anywhere": (
        later("agent {agent} may write to other conversations than the one it answers in"),
        later("leave out `:anywhere`, unless whoever writes to it may make it do that"),
    ),
    "mcp_server": (
        later("agent {agent} uses the tools of the server '{server}' for whoever writes to it"),
        later("let in only people who may use them"),
    ),
    "plain_http": (
        later("what people write, and any key, goes to {host} over plain http, readable on the way"),
        later("write https, or a service on this machine"),
    ),
    "agent_unusable": (later("agent {agent} cannot answer: {text}"), later("try it: openclaw agent list")),
    # accounts
    "no_channel": (later("no channel is configured"), later("set one up: openclaw onboard")),
    "not_linked": (later("nobody is logged in"), later("run: openclaw channels login {words}")),
    "risk_not_accepted": (
        later("the risk of this channel has not been accepted, so the account does not run"),
        later("run: openclaw channels login {words} --force"),
    ),
    "risk_not_accepted damaged": ("{reason}", later("run: openclaw channels login {words} --force")),
    "unofficial_lane": (
        later("unofficial personal lane ({label}): risk accepted on {day}; expendable: {expendable}"),
        "",
    ),
    "risk_not_asked": (
        later("nobody has said whether you can do without this account; the login did not ask"),
        later("answer it: openclaw channels login {words} --expendable yes (or no)"),
    ),
    "others_not_asked": (
        later(
            "nobody has accepted that words of others go to the hosts of its agents; the login did not ask"
        ),
        later("answer it: openclaw channels login {words}"),
    ),
    "disclosure_unset": (
        later("nobody is told that a program answers, and nobody has decided that"),
        later("write disclosure: 'first', 'prefix' or 'off'"),
    ),
    "not_expendable": (
        later(
            "you said that you cannot do without this account, and the platform may suspend it at any time"
        ),
        later("use another account. {alternative}"),
    ),
    "unverified": (later("nothing of this lane is proven yet"), later("run: openclaw verify {words}")),
    "unverified policy_changed": (
        later("who may write has changed since the lane was verified"),
        later("run: openclaw verify {words}"),
    ),
    "unverified partly": (
        later("the lane is only partly verified{failed}{unproven}"),
        later("run: openclaw verify {words}"),
    ),
    "ability_off": (
        "{text} ({why})",
        later("run: openclaw channels capabilities {words} --enable {name}"),
    ),
    "pairing_codes": (
        later(
            "'code' sends a code to everybody who writes for the first time, friends too, from this"
            " personal account"
        ),
        later(
            "write {key}: 'friends-silent' (a code to strangers only), or 'silent' (to nobody: you approve"
            " without one)"
        ),
    ),
    "pairing_codes friends-silent": (
        later(
            "'friends-silent' sends a code to strangers who write for the first time, from this personal"
            " account; friends get none, nor does anybody whose friendship is not known"
        ),
        later("write {key}: 'silent' to send none: you approve without a code"),
    ),
    "pacing_off": (
        later("nothing limits how much the account sends, which is how accounts get suspended"),
        later("remove it, or write true"),
    ),
    "one_user_twice": (
        later("{user_id} is linked on {other} too; the two end each other's session"),
        later("run: openclaw channels logout {words}, or disable one"),
    ),
    "old_variable": (
        later("is honoured (profile '{value}'), but it is the name of an older program"),
        later("set {name}, or `profile` in the config"),
    ),
    "old_process": (
        later(
            "runs as your user (pid {pid}); if it holds a session of the same account, the two end each other"
        ),
        later("stop it"),
    ),
    "old_plugin": (later("is the plugin of another OpenClaw, which is not used here"), ""),
    "other_gateway": (
        later(
            "sets up {channel} for another OpenClaw; if that runs with the same account, the two end each"
            " other"
        ),
        later("disable the channel there"),
    ),
    "other_openclaw": (
        later("another program is called openclaw, too, and it is the one that the name runs ({target})"),
        later("write clawlane instead of openclaw"),
    ),
    "other_openclaw ours first": (
        later("another program is called openclaw, too; the name runs this one ({target})"),
        later("write clawlane where it matters which"),
    ),
    # the machine
    "few_files": (
        later("may have only {limit} files and sockets open; it should be allowed {enough}"),
        later("raise the hard limit: LimitNOFILE of its unit, or ulimit -Hn"),
    ),
    # versions
    "python_old": (
        later("Python {version} has had no security fixes since {day}"),
        later("install clawlane with a newer Python"),
    ),
    "plugin_version": (
        later("the plugin of {channel} is version {version}, the gateway is {gateway}"),
        later("install both from one release: openclaw plugins install"),
    ),
    "gateway_version": (
        later("the gateway that runs is version {gateway}, this command is {command}"),
        later("run: openclaw gateway restart"),
    ),
    "old_credentials": (
        later("holds a session of an older program; it is not read here, and whoever has it has the account"),
        later("log in with `openclaw channels login --channel {channel}`, then remove the file"),
    ),
}
"""The sentence and the action of each code, filled with the data of the finding and its path.

Where a code has several sentences, the `case` in its data follows the code. `status` is about a whole list
of names, `doctor` about each entry; their `--json` is fixed, so two codes about names read differently there.
"""

SEVERITIES: Final = {
    Severity.CRITICAL: later("critical"),
    Severity.ERROR: later("error"),
    Severity.WARNING: later("warning"),
    Severity.NOTE: later("note"),
}
_OUTBOUND: Final = later(
    "messages do not get out: the platform's answers to the last ones made no sense or were refusals"
)
_OWN_THREAD: Final = later(
    "the chat with yourself does not come back here, so commands that you write there do nothing"
)
_BEHIND: Final = later(
    "this machine's clock is {time} behind the platform's; messages are judged by the platform's,"
    " everything else by this machine's"
)
_AHEAD: Final = later(
    "this machine's clock is {time} ahead of the platform's; messages are judged by the platform's,"
    " everything else by this machine's"
)

_AS_GIVEN = ("{text}", "{mend}")
"""For what the loader, the store and the vault say in words of their own."""


def text(finding: Finding) -> str:
    """What is wrong, as one sentence without the place."""
    return _filled(finding, 0)


def action(finding: Finding) -> str:
    """What to write or to run; empty where nothing is known to help."""
    return _filled(finding, 1)


def place(finding: Finding) -> str:
    """The path with its line."""
    if finding.line is None:
        return finding.path
    return t("{path} (line {line})", path=finding.path, line=finding.line)


def one_line(finding: Finding) -> str:
    """Place, sentence and action."""
    mend = action(finding)
    return f"{place(finding)}: {text(finding)}" + (f"; {mend}" if mend else "")


def finding_json(finding: Finding) -> dict[str, Any]:
    """A finding for programs, with its words."""
    return {
        "severity": finding.severity,
        "code": finding.code,
        "path": finding.path,
        "text": text(finding),
        "fix": action(finding),
        "line": finding.line,
        "concerns": finding.accounts,
        "accepted": finding.accepted,
        "fixable": finding.fixable,
    }


def severity_word(finding: Finding) -> str:
    """How bad it is, in one word."""
    return t(SEVERITIES[finding.severity])


def off_sentence(ability: Ability) -> str:
    """That an ability is switched off, and what happens instead."""
    return t("{what} is switched off: {instead}", what=what(ability), instead=when_off(ability))


def problem_text(problem: Problem) -> str:
    """What keeps an account from working, as one sentence without the command."""
    count, reason = problem.count, t(problem.reason)
    match problem.code:
        case ProblemCode.STORING:
            return t("nothing can be stored, so nothing is answered ({reason})", reason=reason)
        case ProblemCode.TOO_OLD:
            return tn(
                "the newest message was older than backlogMaxAge when read, so nobody is answered",
                "the newest {n} messages were all older than backlogMaxAge when read, so nobody is answered",
                count,
            )
        case ProblemCode.INBOUND:
            return t("messages do not come in")
        case ProblemCode.OUTBOUND:
            return reason or t(_OUTBOUND)
        case ProblemCode.NEEDS_DECISION:
            return tn(
                "{n} message may or may not have arrived and waits for your decision",
                "{n} messages may or may not have arrived and wait for your decision",
                count,
            )
        case ProblemCode.DEAD_LETTERS:
            return tn(
                "{n} message is set aside and waits for your decision",
                "{n} messages are set aside and wait for your decision",
                count,
            )
        case ProblemCode.DEAD_LETTERS_FORGOTTEN:
            return t("set-aside messages that were forgotten undecided: {n}", n=count)
        case ProblemCode.ALERTS:
            aside = tn("; one was set aside", "; {n} were set aside", count) if count else ""
            return t("alerts do not reach you ({reason}){aside}", reason=reason, aside=aside)
        case ProblemCode.OWN_THREAD:
            return t(_OWN_THREAD)
        case ProblemCode.CONNECTION:
            return reason
        case ProblemCode.ABILITY_OFF:
            return off_sentence(Ability(problem.reason))
        case ProblemCode.ALARM:
            return sentence(AlarmKind(problem.reason))
        case ProblemCode.CLOCK:
            return _clock(problem.skew_ms)


def _filled(finding: Finding, which: int) -> str:
    if finding.code == "clock":
        if which:
            return t("set it: {command}", command=finding.data["command"])
        return _clock(int(finding.data["skew_ms"]))
    of_case = _WORDS.get(f"{finding.code} {finding.data.get('case')}")
    words = of_case or _WORDS.get(finding.code, _AS_GIVEN)
    values: dict[str, str] = {"path": finding.path, **finding.data}
    if expendable := values.get("expendable"):
        values["expendable"] = t(expendable)
    return t(words[which], **values)


def _clock(skew_ms: int) -> str:
    off = length(round(abs(skew_ms) / 60_000) * 60_000)
    return t(_BEHIND if skew_ms > 0 else _AHEAD, time=off)

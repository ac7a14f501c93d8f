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
from clawlane.ops.findings import Finding

_WORDS: Final = {
    # who may write
    "dm_open": ("'open' lets anybody write directly", "write 'pairing'"),
    "dm_open anyone": (
        "'*' lets anybody write directly, whatever dmPolicy says of strangers",
        "write the ids of people instead",
    ),
    "groups_open anyone": (
        "'*' stands for every group, and anybody may speak there, as under 'open'",
        "write the ids of groups as keys, or of people into {senders}",
    ),
    "groups_open": ("'open' lets every group call the agent", "write 'allowlist'"),
    "groups_nobody": (
        "{groups} let in, but nobody may speak there: the list is empty",
        "write the ids of people into {list}; for anybody add groupAllowFrom: ['*']",
    ),
    "group_nobody": (
        "group {group} is let in, but nobody may speak there: its list is empty",
        "write the ids of people into {list}, or ['*'] for anybody",
    ),
    "denial_unresolved": (
        "shuts out a group that is not known by this name, so every group without an entry stays out",
        "write the id of that group as the key",
    ),
    "dm_nobody": ("is 'allowlist', and allowFrom lists nobody", "write allowFrom, or 'pairing'"),
    "policy_unset": (
        "is not set, so '{value}' holds: only groups under `groups` are heard",
        "write {path}: '{value}' to say that it is meant",
    ),
    "owner_anyone": (
        "'*' makes everybody who writes an owner, whose control commands count everywhere",
        "write the ids of the owners",
    ),
    "owner_name": ("{entry!r} is a name and matches nobody: owners are named by id", "write the id"),
    # names, each at its entry
    "name_like_id": (
        "{entry!r} is taken for a name; if an id is meant, write digits only",
        "write '{digits}'",
    ),
    "name_waiting": (
        "the name {entry!r} has not been looked up yet",
        "it is looked up when the gateway connects next; or run: openclaw doctor --fix",
    ),
    "name_pinned": ("the name {entry!r} is pinned to {id}", "write '{id}'"),
    "name_ambiguous": ("several are called {entry!r}, so it matches none", "write one of {candidates}"),
    "name_unresolved": (
        "{nobody} is called {entry!r}, so it matches nothing",
        "write the id; find it: openclaw directory {kind} list --channel {channel} --account {account}; only"
        " `openclaw doctor --fix` looks the name up again, which helps once somebody is called so",
    ),
    "sender_in_groups": (
        "{id} is a person, not a group",
        "write '{id}' into groupAllowFrom, and the id of a group here",
    ),
    "group_in_senders": (
        "this is a group ({id}), and sender lists match people only",
        "write it under groups: {{ '{id}': {{}} }}",
    ),
    # names, at the list that they stand in
    "name_waiting in list": (
        "{entry!r} is a name that has not been looked up yet",
        "until then it matches nobody",
    ),
    "name_unresolved in list": (
        "nobody the account knows is called {entry!r}, so it matches nobody",
        "write the id",
    ),
    "entry_twice": ("{entry!r} stands in this list already", "remove it"),
    # the file beside a running gateway
    "config_refused": (
        "the running gateway keeps the config that it has applied last, for it cannot use the file: {text}",
        "fix that; the file is then applied automatically",
    ),
    "config_waits": (
        "was edited; the edit widens access, so it waits: {text}",
        "run: openclaw config apply --revision {revision}",
    ),
    "upgrade_waits": (
        "is paused since the upgrade from {was} to {version}, which changed: {text}",
        "accept that: openclaw upgrade accept; or edit the config, and then accept",
    ),
    "record_cut": (
        "the end of its record, at entry {entry}, does not fit what is noted of it beside the store",
        "see what is missing: openclaw audit verify",
    ),
    # files
    "permissions": ("readable by other users ({mode})", "run: chmod go-rwx '{path}'"),
    "permissions of more": ("{count} more files like these", "run: chmod -R go-rwx '{path}'"),
    "foreign_owner": (
        "belongs to {owner}, not to you",
        "look at it, then remove it or run: chown {uid} '{path}'",
    ),
    "state_writable": (
        "others may write into it ({mode}), so nothing starts on it",
        "look at what is in it, then run: chmod 700 '{path}'",
    ),
    "link_in_state": (
        "is a link to {target}: what is kept there is not as private as this directory",
        "put the file or folder itself here",
    ),
    "odd_file": (
        "is neither a file nor a folder, and nothing of clawlane's",
        "look at it, then run: rm '{path}'",
    ),
    "scratch_left": ("is left from a write that was cut off", "run: rm '{path}'"),
    "config_writable": (
        "others may write the config ({mode}), so nothing starts with it",
        "look at what is in it, then run: chmod 600 '{path}'",
    ),
    "config_readable": (
        "others can read the config ({mode}); the next start makes it private",
        "run: chmod go-rwx '{path}'",
    ),
    "key_missing": (
        "the sealing key ({set_by}) cannot be read: {reason}",
        "put it there; without it no session can be opened",
    ),
    "key_permissions": ("others can get at the sealing key ({mode})", "run: chmod go-rwx '{path}'"),
    "key_unused": ("is not used: the sealing key is {key} ({set_by})", "run: rm '{path}'"),
    # agents
    "agent_echo": (
        "agent {agent} answers with an echo, which repeats each message",
        "configure `brain` or `model`",
    ),
    "agent_child": (
        "agent {agent} ({kind}) runs as your user and can read your files; the process list is then no longer"
        " Python alone, while the channel stays in the gateway's process",
        "",
    ),
    "agent_operators": (
        "agent {agent} takes everybody who writes to it for its operator, so everybody you admit speaks to an"
        " operator-level agent",
        "admit only people whom you would let use it themselves",
    ),
    "tools_anywhere": (
        "agent {agent} may write to other conversations than the one it answers in",
        "leave out `:anywhere`, unless whoever writes to it may make it do that",
    ),
    "mcp_server": (
        "agent {agent} uses the tools of the server '{server}' for whoever writes to it",
        "let in only people who may use them",
    ),
    "plain_http": (
        "what people write, and any key, goes to {host} over plain http, readable on the way",
        "write https, or a service on this machine",
    ),
    "agent_unusable": ("agent {agent} cannot answer: {text}", "try it: openclaw agent list"),
    # accounts
    "no_channel": ("no channel is configured", "set one up: openclaw onboard"),
    "not_linked": ("nobody is logged in", "run: openclaw channels login {words}"),
    "risk_not_accepted": (
        "the risk of this channel has not been accepted, so the account does not run",
        "run: openclaw channels login {words} --force",
    ),
    "risk_not_accepted damaged": ("{reason}", "run: openclaw channels login {words} --force"),
    "unofficial_lane": (
        "unofficial personal lane ({label}): risk accepted on {day}; expendable: {expendable}",
        "",
    ),
    "risk_not_asked": (
        "nobody has said whether you can do without this account; the login did not ask",
        "answer it: openclaw channels login {words} --expendable yes (or no)",
    ),
    "others_not_asked": (
        "nobody has accepted that words of others go to the hosts of its agents; the login did not ask",
        "answer it: openclaw channels login {words}",
    ),
    "disclosure_unset": (
        "nobody is told that a program answers, and nobody has decided that",
        "write disclosure: 'first', 'prefix' or 'off'",
    ),
    "not_expendable": (
        "you said that you cannot do without this account, and the platform may suspend it at any time",
        "use another account. {alternative}",
    ),
    "unverified": ("nothing of this lane is proven yet", "run: openclaw verify {words}"),
    "unverified policy_changed": (
        "who may write has changed since the lane was verified",
        "run: openclaw verify {words}",
    ),
    "unverified partly": (
        "the lane is only partly verified{failed}{unproven}",
        "run: openclaw verify {words}",
    ),
    "ability_off": (
        "{text} ({why})",
        "run: openclaw channels capabilities {words} --enable {name}",
    ),
    "pairing_codes": (
        "'code' sends a code to everybody who writes for the first time, friends too, from this personal"
        " account",
        "write {key}: 'friends-silent' (a code to strangers only), or 'silent' (to nobody: you approve"
        " without one)",
    ),
    "pairing_codes friends-silent": (
        "'friends-silent' sends a code to strangers who write for the first time, from this personal account;"
        " friends get none, nor does anybody whose friendship is not known",
        "write {key}: 'silent' to send none: you approve without a code",
    ),
    "pacing_off": (
        "nothing limits how much the account sends, which is how accounts get suspended",
        "remove it, or write true",
    ),
    "one_user_twice": (
        "{user_id} is linked on {other} too; the two end each other's session",
        "run: openclaw channels logout {words}, or disable one",
    ),
    "old_variable": (
        "is honoured (profile '{value}'), but it is the name of an older program",
        "set {name}, or `profile` in the config",
    ),
    "old_process": (
        "runs as your user (pid {pid}); if it holds a session of the same account, the two end each other",
        "stop it",
    ),
    "old_plugin": ("is the plugin of another OpenClaw, which is not used here", ""),
    "other_gateway": (
        "sets up {channel} for another OpenClaw; if that runs with the same account, the two end each other",
        "disable the channel there",
    ),
    "other_openclaw": (
        "another program is called openclaw, too, and it is the one that the name runs ({target})",
        "write clawlane instead of openclaw",
    ),
    "other_openclaw ours first": (
        "another program is called openclaw, too; the name runs this one ({target})",
        "write clawlane where it matters which",
    ),
    # versions
    "python_old": (
        "Python {version} has had no security fixes since {day}",
        "install clawlane with a newer Python",
    ),
    "plugin_version": (
        "the plugin of {channel} is version {version}, the gateway is {gateway}",
        "install both from one release: openclaw plugins install",
    ),
    "gateway_version": (
        "the gateway that runs is version {gateway}, this command is {command}",
        "run: openclaw gateway restart",
    ),
    "old_credentials": (
        "holds a session of an older program; it is not read here, and whoever has it has the account",
        "log in with `openclaw channels login --channel {channel}`, then remove the file",
    ),
}
"""The sentence and the action of each code, filled with the data of the finding and its path.

Where a code has several sentences, the `case` in its data follows the code. `status` is about a whole list
of names, `doctor` about each entry; their `--json` is fixed, so two codes about names read differently there.
"""

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
    return finding.path if finding.line is None else f"{finding.path} (line {finding.line})"


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


def off_sentence(ability: Ability) -> str:
    """That an ability is switched off, and what happens instead."""
    return f"{what(ability)} is switched off: {when_off(ability)}"


def problem_text(problem: Problem) -> str:
    """What keeps an account from working, as one sentence without the command."""
    count, one = problem.count, problem.count == 1
    match problem.code:
        case ProblemCode.STORING:
            return f"nothing can be stored, so nothing is answered ({problem.reason})"
        case ProblemCode.TOO_OLD:
            what = "the newest message was" if one else f"the newest {count} messages were all"
            return f"{what} older than backlogMaxAge when read, so nobody is answered"
        case ProblemCode.INBOUND:
            return "messages do not come in"
        case ProblemCode.OUTBOUND:
            unsaid = "the platform's answers to the last ones made no sense or were refusals"
            return problem.reason or f"messages do not get out: {unsaid}"
        case ProblemCode.NEEDS_DECISION:
            what = "message may or may not have arrived and waits"
            several = "messages may or may not have arrived and wait"
            return f"{count} {what if one else several} for your decision"
        case ProblemCode.DEAD_LETTERS:
            what = "message is set aside and waits"
            several = "messages are set aside and wait"
            return f"{count} {what if one else several} for your decision"
        case ProblemCode.DEAD_LETTERS_FORGOTTEN:
            return f"set-aside messages that were forgotten undecided: {count}"
        case ProblemCode.ALERTS:
            aside = f"; {count} were set aside" if count > 1 else "; one was set aside" if count else ""
            return f"alerts do not reach you ({problem.reason}){aside}"
        case ProblemCode.OWN_THREAD:
            return (
                "the chat with yourself does not come back here, so commands that you write there do nothing"
            )
        case ProblemCode.CONNECTION:
            return problem.reason
        case ProblemCode.ABILITY_OFF:
            return off_sentence(Ability(problem.reason))
        case ProblemCode.ALARM:
            return sentence(AlarmKind(problem.reason))
        case ProblemCode.CLOCK:
            return _clock(problem.skew_ms)


def _filled(finding: Finding, which: int) -> str:
    if finding.code == "clock":
        return _clock(int(finding.data["skew_ms"])) if which == 0 else f"set it: {finding.data['command']}"
    of_case = _WORDS.get(f"{finding.code} {finding.data.get('case')}")
    words = of_case or _WORDS.get(finding.code, _AS_GIVEN)
    return words[which].format(**{"path": finding.path, **finding.data})


def _clock(skew_ms: int) -> str:
    side = "behind" if skew_ms > 0 else "ahead of"
    off = length(round(abs(skew_ms) / 60_000) * 60_000)
    return (
        f"this machine's clock is {off} {side} the platform's; messages are judged by the platform's,"
        " everything else by this machine's"
    )

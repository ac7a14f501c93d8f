"""The questions about policies at a terminal; what opens the lane to everybody is asked about twice."""

from __future__ import annotations

from typing import Any

from clawlane.cli.failure import CliError
from clawlane.cli.prompt_options import Option, said
from clawlane.cli.prompts import tell
from clawlane.cli.setup_interview import Interview
from clawlane.config.choices import Disclosure, DmPolicy, GroupPolicy, OutboundMode, PairingReply, Reload
from clawlane.config.duration import duration, duration_text
from clawlane.texts import later, t

OPEN = "open"
_DM = (
    Option(DmPolicy.PAIRING, "pairing", later("Somebody new asks first; you approve or not.")),
    Option(DmPolicy.ALLOWLIST, "allowlist", later("Only the people that you name are answered.")),
    Option(DmPolicy.DISABLED, "disabled", later("No direct message is answered.")),
    Option(DmPolicy.OPEN, "open", later("EVERYBODY who finds the account is answered.")),
)
OPEN_DM = later(
    "Everybody who finds this account could then talk to your agent, at your cost and in your name. The audit"
    " reports it as critical."
)
OPEN_GROUPS = later(
    "Every group that the account is in, or that somebody adds it to, could then talk to your agent. The"
    " audit reports it as critical."
)


def ask_dm_policy(interview: Interview) -> DmPolicy:
    while True:
        chosen = interview.asked.choose(
            t("Who may write to the account directly?"), said(_DM), DmPolicy.PAIRING
        )
        if chosen != DmPolicy.OPEN or _confirmed(interview, OPEN_DM):
            return DmPolicy(chosen)


def _confirmed(interview: Interview, warning: str) -> bool:
    tell(t(warning))
    return interview.asked.confirm(t("Is that what you want?"), None)


def read_policy(interview: Interview, word: str, warning: str) -> str:
    """A policy from its flag; `open` has to be confirmed."""
    asks = word == OPEN and not interview.given.yes and interview.prompts is not None
    if asks and not _confirmed(interview, warning):
        raise CliError(t("the policy 'open' was not confirmed, so nothing was written"))
    return word


_REPLY = (
    Option(
        PairingReply.FRIENDS_SILENT,
        "friends-silent",
        later("Strangers get it; friends only show in pairing list."),
    ),
    Option(PairingReply.CODE, "code", later("Everybody who asks gets it, friends too.")),
    Option(PairingReply.SILENT, "silent", later("Nobody gets it; you see all requests in pairing list.")),
)


def ask_pairing_reply(interview: Interview) -> PairingReply:
    tell(t("Texts of a bot to your friends are what people complain about most, so friends are spared."))
    text = t("Who is sent the pairing code as a text?")
    return PairingReply(interview.asked.choose(text, said(_REPLY), PairingReply.FRIENDS_SILENT))


def ask_allow_from(interview: Interview) -> Any:
    if interview.said("dm_policy") == DmPolicy.PAIRING:
        return interview.people.pick_friends(t("Friends to admit without a request (may be none):"))
    while True:
        chosen = interview.people.pick_friends(t("Who is answered?"))
        if chosen or interview.asked.confirm(t("Nobody is listed, so nobody is answered. Continue?"), False):
            return chosen


_GROUPS = (
    Option(GroupPolicy.DISABLED, "disabled", later("No group is answered: best until the lane is proven.")),
    Option(
        GroupPolicy.ALLOWLIST, "allowlist", later("Only the groups that you pick, where it is mentioned.")
    ),
    Option(GroupPolicy.OPEN, "open", later("EVERY group that the account is in or is added to.")),
)


def ask_group_policy(interview: Interview) -> GroupPolicy:
    while True:
        chosen = interview.asked.choose(
            t("In which groups does the lane listen?"), said(_GROUPS), GroupPolicy.DISABLED
        )
        if chosen != GroupPolicy.OPEN or _confirmed(interview, OPEN_GROUPS):
            return GroupPolicy(chosen)


_OUTBOUND = (
    Option(OutboundMode.APPROVE, "approve", later("Each reply waits until you approve it.")),
    Option(OutboundMode.AUTO, "auto", later("Replies leave at once, in your name.")),
    Option(OutboundMode.OFF, "off", later("The agent only reads; nothing leaves.")),
)


def ask_outbound(interview: Interview) -> OutboundMode:
    tell(
        t(
            "The account speaks with your name. For the first days it is best to see each reply before it"
            " leaves."
        )
    )
    text = t("What leaves of what the agent writes?")
    return OutboundMode(interview.asked.choose(text, said(_OUTBOUND), OutboundMode.APPROVE))


_DISCLOSURE = (
    Option(Disclosure.FIRST, "first", later("Each person is told before their first answer.")),
    Option(Disclosure.PREFIX, "prefix", later("Each answer says so.")),
    Option(Disclosure.OFF, "off", later("Nobody is told.")),
)


def ask_disclosure(interview: Interview) -> Disclosure:
    text = t("How are people told that a program answers them?")
    return Disclosure(interview.asked.choose(text, said(_DISCLOSURE), Disclosure.FIRST))


_RELOAD = (
    Option(Reload.ASK, "ask", later("What widens waits for `config apply` or a restart.")),
    Option(Reload.AUTO, "auto", later("Every valid edit takes effect within a second.")),
)


def ask_reload(interview: Interview) -> Reload:
    return Reload(
        interview.asked.choose(t("When does an edit of the config take effect?"), said(_RELOAD), Reload.ASK)
    )


HALF_AN_HOUR = "30m"


def read_takeover(interview: Interview) -> str:
    """How long the agent holds back where the owner writes, from its flag. 0 is written as `0s`."""
    written = str(interview.given.owner_takeover).strip()
    try:
        return duration_text(duration("0s" if written == "0" else written))
    except ValueError as error:
        raise CliError(f"--owner-takeover {error}") from None

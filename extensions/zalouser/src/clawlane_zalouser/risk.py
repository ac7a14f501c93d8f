"""The risk of a personal account, as the operator reads it before the first login."""

from __future__ import annotations

from clawlane.capabilities import RiskNotice
from clawlane.texts import later

NOTICE = RiskNotice(
    title=later("Zalo Personal is experimental and unofficial"),
    lines=(
        later("Zalo does not offer this: the gateway behaves like the Zalo Web client of a person."),
        later("Zalo may warn, suspend or ban the account, for good and without notice."),
        later("Friends, groups and chats of that account are then lost to you."),
        later("Use an account that you can afford to lose, not the one your family and customers know."),
        later("Whoever can read this machine's state folder can act as that account."),
    ),
    alternative=later(
        "The official way is a Zalo Bot (Bot API; OpenClaw has it as channel 'zalo', clawlane does not). "
        "If it can do your job, use it."
    ),
)

"""The risk of a personal account, as the operator reads it before the first login."""

from __future__ import annotations

from clawlane.capabilities import RiskNotice

NOTICE = RiskNotice(
    title="Zalo Personal is experimental and unofficial",
    lines=(
        "Zalo does not offer this: the gateway behaves like the Zalo Web client of a person.",
        "Zalo may warn, suspend or ban the account, for good and without notice. Friends, groups and",
        "chats of that account are then lost to you.",
        "Use an account that you can afford to lose, not the one your family and customers know.",
        "Whoever can read this machine's state folder can act as that account.",
    ),
    alternative=(
        "The official way is a Zalo Bot (Bot API; OpenClaw has it as channel 'zalo', clawlane does not). "
        "If it can do your job, use it."
    ),
)

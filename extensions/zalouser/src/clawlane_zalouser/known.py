"""Where the knowledge of each ability comes from. The page docs/compatibility.md has the same table.

`RECORDED` means that the request was recorded from the reference client, or how that client reads what comes.
What the real Zalo answers was not recorded for any of them.
"""

from __future__ import annotations

from clawlane.abilities import Ability, Source
from clawlane.capabilities import Known
from clawlane.texts import later

_RECORDED, _REPORTED, _SIMULATED = Source.RECORDED, Source.REPORTED, Source.SIMULATED

KNOWN = (
    Known(
        Ability.LOGIN, _RECORDED, later("the QR login and the login by session were recorded step by step")
    ),
    Known(
        Ability.RECONNECT,
        _RECORDED,
        later("the close codes are the client's; what Zalo closes with is reported"),
    ),
    Known(
        Ability.READ_DIRECT, _RECORDED, later("the forms of most kinds of message come from public reports")
    ),
    Known(
        Ability.READ_GROUP, _RECORDED, later("the forms of most kinds of message come from public reports")
    ),
    Known(Ability.READ_MENTION, _RECORDED, later("as the client reads it in group messages")),
    Known(
        Ability.READ_ALBUM,
        _REPORTED,
        later("parts share an id of their layout; the client does not join them"),
    ),
    Known(Ability.READ_FILE, _REPORTED, later("addresses answer without cookies; signatures run out")),
    Known(
        Ability.RECALLS,
        _RECORDED,
        later("some forms of it, and deletions by the admin of a group, are reported"),
    ),
    Known(Ability.OWN_DELETIONS, _REPORTED, later("several forms are; the client does not read them")),
    Known(Ability.TEXT, _RECORDED, later("sometimes Zalo returns no id, as people report")),
    Known(Ability.STYLES, _RECORDED, later("how Zalo's own clients show them was not seen")),
    Known(Ability.MENTIONS, _RECORDED, later("groups only; how Zalo answers to wrong ranges is not known")),
    Known(Ability.QUOTE, _RECORDED, later("quotes of pictures and files are the least sure")),
    Known(Ability.PHOTO, _RECORDED, later("the upload and the message")),
    Known(Ability.ALBUM, _RECORDED, later("the ids of the layout and the order of its parts")),
    Known(Ability.FILE, _RECORDED, later("that Zalo may give a file an id of its own is reported")),
    Known(Ability.VOICE, _RECORDED, later("which sound formats Zalo plays is not known")),
    Known(Ability.VIDEO, _RECORDED, later("with a cover, whose size Zalo may judge")),
    Known(Ability.LINK, _RECORDED, later("the preview is asked of Zalo")),
    Known(Ability.REACTION, _RECORDED, later("all icons of the client")),
    Known(Ability.UNDO, _RECORDED, later("for how long Zalo takes messages back is not known")),
    Known(Ability.TYPING, _RECORDED, later("for how long it shows is up to the clients")),
    Known(Ability.DELIVERED, _RECORDED, later("what the sender sees of it was not seen")),
    Known(Ability.SEEN, _RECORDED, later("what the sender sees of it was not seen")),
    Known(Ability.ECHO, _RECORDED, later("that the ids are those of the answer was not seen")),
    Known(
        Ability.LOOK_UP,
        _REPORTED,
        later("only messages since the login are said to come, and not on all accounts"),
    ),
    Known(Ability.RESENDING, _SIMULATED, later("a conclusion from two look-ups that do not show a message")),
    Known(Ability.TAKEOVER, _SIMULATED, later("a conclusion from messages that match no send")),
)

"""The table of known notices: what Zalo itself writes into a conversation, as opposed to people.

The pair of `msgType` and `content.action` decides, never the sender: notices come with a person's id and
name. `source` is the evidence for a row: A counted in an inventory (I1) of 27 576 stored messages of one
public client, B a quoted or measured payload, C client code only (C×n: in n code bases; Android and PC are
Zalo's own apps), D a guess without a payload.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from zaloweb.events.fields import Fields
from zaloweb.events.lenient import as_list, as_object, as_text, as_whole

Reader = Callable[[Fields], str]
Condition = Callable[[Fields], bool]

ANY = "*"


@dataclass(frozen=True, slots=True)
class Row:
    """A kind of notice: its type and action, a word for it, its text.

    `*` is any type or action, `x.*` any type below x, `*x` any action that ends in x. `where` distinguishes
    rows of one pair; the first that fits counts. `read` gives the readable text, "" if there is none.
    """

    msg_type: str
    action: str
    kind: str
    read: Reader
    source: str
    where: Condition | None = None

    def takes(self, action: str) -> bool:
        """Whether the row is of this action."""
        if self.action.startswith(ANY):
            return action.endswith(self.action[1:])
        return action == self.action


def find_notice(msg_type: str, fields: Fields) -> Row | None:
    """The row of the table for an item; None if it is no known notice."""
    for row in _rows(msg_type, fields.action):
        if row.where is None or row.where(fields):
            return row
    return None


def is_notice_type(msg_type: str) -> bool:
    """Whether all items of a type are notices, whatever their action."""
    return any(row.action == ANY for row in _of_type(msg_type))


def notice_kind(msg_type: str) -> str:
    """The word for a notice of which only the type is known."""
    words = [row.kind for row in _of_type(msg_type) if row.action == ANY]
    return words[-1] if words else msg_type[:_LONGEST_KIND]


@lru_cache(maxsize=1024)
def _rows(msg_type: str, action: str) -> tuple[Row, ...]:
    """The rows of a pair, in order of precedence."""
    of_action = [row for row in NOTICES if row.msg_type == ANY and row.action == action]
    of_type = [row for row in _of_type(msg_type) if row.takes(action)]
    by_ending = [row for row in _BY_ENDING if row.takes(action)]
    return (*of_action, *of_type, *by_ending)


def _of_type(msg_type: str) -> tuple[Row, ...]:
    if msg_type in _NAMED:
        return tuple(row for row in NOTICES if row.msg_type == msg_type)
    return tuple(row for row in _BELOW if msg_type.startswith(row.msg_type[:-1]))


def _title(fields: Fields) -> str:
    return fields.text("title").strip()


def _title_and_description(fields: Fields) -> str:
    lines = (fields.text("title").strip(), fields.text("description").strip())
    return "\n".join(filter(None, lines)) or fields.param("notifyTxt")


def _sentence(fields: Fields) -> str:
    return fields.param("notifyTxt") or _title(fields)


def _banner(fields: Fields) -> str:
    return _title(fields) or fields.banner_text()


def _custom(fields: Fields) -> str:
    return _title(fields) or fields.custom_text() or fields.banner_text()


def _call(fields: Fields) -> str:
    # The title is the name of a handler in Zalo's code ("sendBubbleMessage").
    kind = _CALL_KINDS.get(fields.param("calltype"), "call")
    length = _duration(as_whole(fields.params.get("duration")))
    return f"{kind}, {length}" if length else kind


def _missed(fields: Fields) -> str:
    # Other clients contradict each other about `reason`, so it is left out.
    return "no answer" if fields.param("isCaller") == "1" else "missed call"


def _label(text: str) -> Reader:
    return lambda _fields: text


def _duration(seconds: int) -> str:
    if seconds <= 0:
        return ""
    parts = ((seconds // 3600, "h"), (seconds // 60 % 60, "min"), (seconds % 60, "s"))
    return " ".join(f"{number} {unit}" for number, unit in parts if number)


def _about_poll(word: str) -> Reader:
    def read(fields: Fields) -> str:
        question = fields.param("question") or _title(fields)
        return f"{word}: {question}" if question else word

    return read


def _says(*words: str) -> Condition:
    """Whether the title or the pattern of a banner has one of these words."""

    def fits(fields: Fields) -> bool:
        pattern = as_object(fields.params.get("msg"))
        told = (as_text(pattern.get("vi")), as_text(pattern.get("en")), _title(fields))
        return any(word in " ".join(told).lower() for word in words)

    return fits


def _does(*names: str) -> Condition:
    """Whether one of the buttons of a card does this."""

    def fits(fields: Fields) -> bool:
        buttons = [one for one in as_list(fields.params.get("actions")) if isinstance(one, dict)]
        done = {as_text(one.get(key)) for one in buttons for key in ("actionId", "actionType")}
        return bool(done & {*names}) or fields.param("actionType") in names

    return fits


def _pinned(fields: Fields) -> bool:
    about_topic = "topic_id" in as_object(fields.params.get("actionData"))
    return about_topic or _says("ghim", "pinned")(fields)


def _birthday(fields: Fields) -> bool:
    return _does("action.open.sendsticker")(fields) or "sinh nhật của" in _title(fields).lower()


def _new_friend(fields: Fields) -> bool:
    pictures = fields.text("href") + fields.text("thumb")
    return "ecard_newfriend" in pictures or "đồng ý kết bạn" in _title_and_description(fields).lower()


_CALL_KINDS = {"0": "voice call", "1": "video call"}
_BANNER = "msginfo.actionlist"
_LONGEST_KIND = 60

NOTICES: tuple[Row, ...] = (
    # Banners. The title is the finished sentence; without one it is made from its pattern and names.
    Row(
        ANY,
        _BANNER,
        "reminder",
        _banner,
        "B: three clients' tests quote action.open.calendar.event",
        _does("action.open.calendar.event"),
    ),
    Row(ANY, _BANNER, "unpinned message", _banner, "B: real shape of a pin", _says("bỏ ghim", "unpin")),
    Row(ANY, _BANNER, "pinned message", _banner, "B: real shape (topic_id in actionData)", _pinned),
    Row(ANY, _BANNER, "friend accepted", _banner, "B: three sources quote the sentence", _says("kết bạn")),
    Row(ANY, _BANNER, "banner", _banner, "A: I1 has 129 (joins, invitations, settings …)"),
    Row(
        "webchat",
        "",
        "banner",
        _banner,
        "A for the shape; without its action D",
        lambda fields: "highLightsV2" in fields.params,
    ),
    # Calls, under whatever type.
    Row(ANY, "recommened.calltime", "call", _call, "A: I1 has 103"),
    Row(ANY, "recommened.misscall", "missed call", _missed, "A: I1 has 37"),
    Row(ANY, "recommened.groupcall", "group call", _label("group call"), "C×2: Android, phone databases"),
    Row(ANY, "recommened.receivecall", "call", _label("call"), "C: a calling client"),
    Row(ANY, "recommened.call", "call", _label("call"), "C: a calling client"),
    Row(ANY, "recommened.rejectcall", "declined call", _label("declined call"), "C: a calling client"),
    Row(ANY, "recommened.cancelcall", "cancelled call", _label("cancelled call"), "C: a front end"),
    Row(
        "chat.recommended",
        "",
        "call",
        _call,
        "A for the parameters; without its action D",
        lambda fields: "isCaller" in fields.params or "calltype" in fields.params,
    ),
    # Ecards: nobody is known to send one by hand.
    Row("chat.ecard", ANY, "friend accepted", _title_and_description, "B: ecard_newfriend", _new_friend),
    Row("chat.ecard", ANY, "birthday", _sentence, "B: two clients' tests", _birthday),
    Row(
        "chat.ecard",
        ANY,
        "reminder",
        _title_and_description,
        "B: four clients' tests quote action.open.reminder",
        _does("action.open.reminder"),
    ),
    Row(
        "chat.ecard",
        ANY,
        "group card",
        _title_and_description,
        "C: action.group.open.admintool",
        _does("action.group.open.admintool"),
    ),
    Row("chat.ecard", ANY, "ecard", _title_and_description, "B: show.profile; I1 has 49 by action alone"),
    # Polls: only the making of one is somebody's question.
    Row("group.poll", "vote", "poll vote", _about_poll("voted in"), "A: I1 has 159"),
    Row("group.poll", "update", "poll change", _about_poll("changed the poll"), "A: I1 has 6"),
    Row("group.poll", "close", "poll closed", _about_poll("closed the poll"), "A: I1 has 1"),
    # Cards of Official Accounts: nobody answers those.
    Row("chat.list.action", ANY, "official account", _title_and_description, "B: a phone transfer; PC"),
    # Changes of groups. On the web the same news comes as controls.
    Row("group.update", ANY, "group change", _title, "C: Android"),
    Row("group.invite", ANY, "group change", _title, "C: Android"),
    Row("group.leave", ANY, "group change", _title, "C: Android"),
    Row("group.delete", ANY, "group change", _title, "C: Android"),
    Row("group.reject", ANY, "group change", _title, "C: Android"),
    Row("group.join.v2", ANY, "group change", _title, "C: Android"),
    Row("group.force.leave.v2", ANY, "group change", _title, "C: Android"),
    Row("group.invited.cancel", ANY, "group change", _title, "C: Android"),
    Row("group.add.admin", ANY, "group change", _title, "C: Android"),
    Row("group.remove.admin", ANY, "group change", _title, "C: Android"),
    Row("group.update.block", ANY, "group change", _title, "C: Android"),
    Row("group.update.setting", ANY, "group change", _title, "C: Android"),
    Row("group.update.topic", ANY, "group change", _title, "C: Android"),
    Row("group.remove.topic", ANY, "group change", _title, "C: Android"),
    # What is done to messages and chats.
    Row("chat.reaction", ANY, "reaction", _label(""), "C: one stored timeline; live it is command 612"),
    Row("chat.msg.update", ANY, "edited message", _label(""), "C: Android"),
    Row("chat.sync.theme", ANY, "theme change", _title, "C: Android"),
    Row("chat.inform", ANY, "notice", _custom, "C: an app of 2013"),
    Row("chat.control", ANY, "control", _label(""), "D: one relay's list"),
    Row("control", ANY, "control", _label(""), "D: one relay's list"),
    Row("chat.typing", ANY, "typing", _label(""), "D: one relay's list"),
    Row("chat.seen", ANY, "seen", _label(""), "D: one relay's list"),
    Row("chat.delivered", ANY, "delivered", _label(""), "D: one relay's list"),
    Row("chat.group", ANY, "group change", _label(""), "D: one relay's list"),
    Row(
        "group.poll",
        ANY,
        "poll",
        _about_poll("poll"),
        "D: an action that nobody has seen",
        lambda fields: fields.action != "create",
    ),
    # Types that are not named above, by the beginning of their name.
    Row("group.*", ANY, "group change", _title, "D: by its name"),
    Row("chat.sync.*", ANY, "chat change", _title, "D: by its name"),
    # Calls by the end of their action.
    Row(ANY, "*misscall", "missed call", _missed, "D: by its name"),
    Row(ANY, "*call", "call", _label("call"), "D: by its name"),
    Row(ANY, "*calltime", "call", _call, "D: by its name"),
)
"""Every known kind of notice. Deletions and recalls are events of their own."""

_BY_ENDING = tuple(row for row in NOTICES if row.msg_type == ANY and row.action.startswith(ANY))
_BELOW = tuple(row for row in NOTICES if row.msg_type.endswith(".*"))
_NAMED = frozenset(row.msg_type for row in NOTICES) - {ANY} - {row.msg_type for row in _BELOW}

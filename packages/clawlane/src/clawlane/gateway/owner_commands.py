"""Commands that the owner writes in a chat: each calls the operation that the command line calls."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from clawlane.access.context import shortened
from clawlane.config.duration import duration
from clawlane.language import primary
from clawlane.ops import drafts
from clawlane.ops.context import LiveAccount, OpContext
from clawlane.ops.operation import OpError
from clawlane.ops.pairing import Approve, Reject, approve, reject
from clawlane.ops.pause import BeginPause, EndPause, pause, resume
from clawlane.store.errors import StoreError

_LONGEST_PAUSE_MS = 365 * 86_400_000
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OwnerCommands:
    """The commands of one account. `ctx` acts in the owner's name."""

    account: str
    ctx: Callable[[], OpContext]
    live: Callable[[], LiveAccount | None]

    async def act(self, text: str) -> str:
        """Carry out what the owner writes. Gives what was done, or why nothing was; never raises those."""
        word, *arguments = text.split()
        live = self.live()
        words = _VIETNAMESE if live and primary(live.language) == "vi" else _ENGLISH
        try:
            match word.lower(), arguments:
                case "/help", []:
                    return words.help
                case "/pause", [] | [_]:
                    return await self._pause(words, arguments)
                case "/resume", []:
                    return await self._resume(words)
                case "/approve", [code]:
                    return await self._approve(words, code)
                case "/reject", [who]:
                    return await self._reject(words, who)
                case "/draft", [number, "ok" | "drop" as what] if number.isdecimal() and len(number) < 10:
                    return await self._draft(words, int(number), what)
        except (OpError, StoreError) as error:
            return str(error)
        except Exception as error:
            log.exception("%s: %s of the owner failed", self.account, word)
            return words.failed.format(what=word, kind=type(error).__name__)
        return words.usage[word.lower()]

    async def _pause(self, words: _Words, arguments: list[str]) -> str:
        ctx, until_ms = self.ctx(), None
        if arguments:
            try:
                length_ms = int(duration(arguments[0]).total_seconds() * 1000)
            except ValueError:
                return words.usage["/pause"]
            if not 0 < length_ms <= _LONGEST_PAUSE_MS:
                return words.usage["/pause"]
            until_ms = ctx.now_ms() + length_ms
        [held] = (await pause(ctx, BeginPause(*self._named, until_ms=until_ms))).paused
        # an alarm's pause does not end by itself, whatever the owner says
        return words.paused if held.until_ms is None else words.paused_for.format(length=arguments[0])

    async def _resume(self, words: _Words) -> str:
        done = await resume(self.ctx(), EndPause(*self._named))
        expired = sum(len(one.expired) for one in done.resumed)
        if not any(one.was for one in done.resumed):
            return words.not_paused
        alarms = "".join(
            words.alarm.format(id=alarm.id, kind=alarm.kind)
            for one in done.resumed
            for alarm in one.acknowledged
        )
        return words.resumed + (words.expired.format(count=expired) if expired else "") + alarms

    async def _approve(self, words: _Words, code: str) -> str:
        channel, account = self._named
        let_in = await approve(self.ctx(), Approve(channel, code, account))
        return words.approved.format(who=_who(let_in.approved.sender_name, let_in.approved.sender_id))

    async def _reject(self, words: _Words, who: str) -> str:
        channel, account = self._named
        rejected = await reject(self.ctx(), Reject(channel, who, account))
        return words.rejected.format(who=", ".join(_who(one.sender_name, one.sender_id) for one in rejected))

    async def _draft(self, words: _Words, number: int, what: str) -> str:
        ctx = self.ctx()
        found = await drafts.show(ctx, drafts.Show(number))
        if found.account != self.account:
            return words.no_draft.format(number=number)
        if what == "drop":
            await drafts.drop(ctx, drafts.Drop(number))
            return words.dropped.format(number=number)
        approved = await drafts.approve(ctx, drafts.Approve(number))
        held = approved.paused or approved.quiet_until_ms is not None
        told = words.stale if approved.stale else words.waits if held else words.sent
        return told.format(number=number, who=shortened(approved.name) or approved.thread)

    @property
    def _named(self) -> tuple[str, str]:
        channel, _, account = self.account.partition("/")
        return channel, account


def _who(name: str, id_: str) -> str:
    return f"{shortened(name)} ({id_})" if name else id_


@dataclass(frozen=True, slots=True)
class _Words:
    """What the owner is told, in one language."""

    paused: str
    paused_for: str
    resumed: str
    expired: str
    alarm: str
    not_paused: str
    approved: str
    rejected: str
    no_draft: str
    sent: str
    waits: str
    dropped: str
    stale: str
    failed: str
    help: str
    usage: dict[str, str]


_VIETNAMESE = _Words(
    paused="Đã tạm dừng: không có gì được gửi đi nữa. Tiếp tục: /resume",
    paused_for="Đã tạm dừng {length}: không có gì được gửi đi. Tiếp tục sớm hơn: /resume",
    resumed="Đã tiếp tục.",
    expired=" Số tin đã quá cũ và không được trả lời: {count}.",
    alarm=" Báo động {id} ({kind}) đã được xác nhận; hãy kiểm tra: openclaw alarms show {id}.",
    not_paused="Không có tạm dừng nào.",
    approved="Đã chấp thuận {who}.",
    rejected="Đã từ chối {who}.",
    no_draft="Tài khoản này không có bản nháp {number}.",
    sent="Bản nháp {number} được gửi cho {who}.",
    waits="Bản nháp {number} cho {who} đã được duyệt và được gửi khi hết tạm dừng hoặc hết giờ yên lặng.",
    dropped="Đã bỏ bản nháp {number}.",
    stale="Ở đó đã có tin mới hơn bản nháp {number}; nếu vẫn muốn gửi: openclaw drafts approve {number}",
    failed="{what} không thực hiện được ({kind}); xem nhật ký của gateway.",
    help=(
        "Dành cho chủ tài khoản:\n"
        "/pause [2h] – tạm dừng mọi thứ được gửi đi\n"
        "/resume – tiếp tục\n"
        "/approve CODE – chấp thuận người đã xin nhắn tin\n"
        "/reject CODE – từ chối người đó\n"
        "/draft N ok|drop – gửi hoặc bỏ một bản nháp"
    ),
    usage={
        "/help": "Cách dùng: /help",
        "/pause": "Cách dùng: /pause hoặc /pause 2h (30m, 2h, 1d)",
        "/resume": "Cách dùng: /resume",
        "/approve": "Cách dùng: /approve CODE",
        "/reject": "Cách dùng: /reject CODE",
        "/draft": "Cách dùng: /draft N ok hoặc /draft N drop",
    },
)
_ENGLISH = _Words(
    paused="Paused: nothing is sent any more. To go on: /resume",
    paused_for="Paused for {length}: nothing is sent. To go on earlier: /resume",
    resumed="Resumed.",
    expired=" Messages that are too old by now and are not answered: {count}.",
    alarm=" Alarm {id} ({kind}) is acknowledged; check: openclaw alarms show {id}.",
    not_paused="Nothing was paused.",
    approved="Approved {who}.",
    rejected="Rejected {who}.",
    no_draft="This account has no draft {number}.",
    sent="Draft {number} goes to {who}.",
    waits="Draft {number} to {who} is approved, and leaves once the pause or the quiet hours end.",
    dropped="Draft {number} is dropped.",
    stale="Something newer was said there than draft {number}; to send it: openclaw drafts approve {number}",
    failed="{what} could not be carried out ({kind}); see the log of the gateway.",
    help=(
        "For owners:\n"
        "/pause [2h] – pause everything that leaves\n"
        "/resume – go on\n"
        "/approve CODE – let somebody in who asked to write\n"
        "/reject CODE – turn them away\n"
        "/draft N ok|drop – send or drop a draft"
    ),
    usage={
        "/help": "Usage: /help",
        "/pause": "Usage: /pause or /pause 2h (30m, 2h, 1d)",
        "/resume": "Usage: /resume",
        "/approve": "Usage: /approve CODE",
        "/reject": "Usage: /reject CODE",
        "/draft": "Usage: /draft N ok or /draft N drop",
    },
)

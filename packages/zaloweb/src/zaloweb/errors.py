"""What can go wrong between us and Zalo.

    ZaloError
    ├── SettingsError             a setting, a file or credentials cannot be used as they are
    ├── InvalidRequest            the caller's request makes no sense; nothing was sent
    ├── CipherError               something did not decrypt: wrong key, wrong tag, damaged text
    ├── FrameError                a WebSocket frame that is not one
    ├── NetworkError
    │   ├── BeforeSending         no byte of the request left: it may be sent again
    │   │   └── NotPrepared       what a message needs first (an upload …) failed; the message was not sent
    │   └── NoAnswer              bytes left and no whole answer came: the outcome is unknown
    ├── HttpStatusError           the HTTP status is not 2xx
    │   └── TryLater              408, 429, 503: nothing was done, later it may be
    ├── ProtocolError             an answer that cannot be read
    │   ├── AnswerTooLarge        an answer that does not end where answers end
    │   ├── ForeignAddress        a redirect or an address that leads away from Zalo
    │   └── NoService             the login gave no address of Zalo's for a service; nothing was sent
    ├── ApiError                  Zalo answered with an error code
    │   ├── SessionExpired        102, 600: log in again
    │   │   └── SessionRefused    the HTTP status 401 or 403, which is an HttpStatusError too
    │   ├── InvalidParameters     114
    │   ├── RefusedByRecipient    122, 123
    │   ├── NotInGroup            165, 166
    │   ├── NotFound              212, 216
    │   └── RateLimited           221
    ├── PartlySent                some messages of several were sent, then one failed
    ├── TooLarge                  a file that is fetched is larger than allowed
    ├── LinkExpired               the link to a file is not valid any more
    ├── LoginFailed               a login that ended at a named stage
    ├── Replaced                  the socket closed with 3000: this account is open somewhere else
    └── Kicked                    the socket closed with 3003: Zalo ended this session

Every error says what happened in one line, whether the same thing may be tried again (`retryable`) and what
the operator can do (`help`, "" when there is nothing). No text holds a cookie, a key, a token or the
parameters of a call.
"""

from __future__ import annotations

_LATER = frozenset({408, 429, 503})
_NOT_ALLOWED = frozenset({401, 403})
_USUAL_WAIT_S, _SHORTEST_WAIT_S, _LONGEST_WAIT_S = 30.0, 1.0, 3600.0


class ZaloError(Exception):
    """The root of all errors of this package."""

    retryable: bool = False
    help: str = ""


class SettingsError(ZaloError):
    """A setting, a file or credentials that cannot be used. The text names it and says what is allowed."""


class InvalidRequest(ZaloError, ValueError):
    """A request that makes no sense as it stands; nothing was sent. The text says what is wrong with it."""


class CipherError(ZaloError):
    """Something did not decrypt."""


class FrameError(ZaloError):
    """A WebSocket frame that is too short or not what it claims to be."""


class NetworkError(ZaloError):
    """No answer came. `call` names what was asked for."""

    retryable = True
    help = "check the network of this machine"

    def __init__(self, call: str, reason: str) -> None:
        super().__init__(f"{call}: {reason}")
        self.call = call
        self.reason = reason


class BeforeSending(NetworkError):
    """No byte of the request left this machine: sending it again cannot do anything twice."""


class NotPrepared(BeforeSending):
    """Something that a message needs before it can be sent did not come about: the upload of a file, a look
    at a link. Others have seen nothing, so all of it may be done again.
    """


class NoAnswer(NetworkError):
    """Bytes left and no whole answer came back. Whether Zalo did what was asked is unknown."""


class HttpStatusError(ZaloError):
    """An HTTP status outside 2xx; nothing of the body is used."""

    def __init__(self, call: str, status: int) -> None:
        super().__init__(f"{call}: Zalo answered with HTTP status {status}")
        self.call = call
        self.status = status
        self.retryable = status in _LATER or status >= 500

    @staticmethod
    def of_status(call: str, status: int, retry_in_s: float | None = None) -> HttpStatusError:
        """The error class that stands for a status of Zalo's; `retry_in_s` is what `Retry-After` asks for."""
        if status in _LATER:
            return TryLater(call, status, retry_in_s)
        return SessionRefused(call, status) if status in _NOT_ALLOWED else HttpStatusError(call, status)


class TryLater(HttpStatusError):
    """Zalo did nothing and wants to be asked later: too many requests, an overload, a slow request.

    `retry_in_s` is in seconds, between 1 and 3600, whatever the server said; 30 when it said nothing.
    """

    help = "wait; it is tried again later"

    def __init__(self, call: str, status: int, retry_in_s: float | None = None) -> None:
        super().__init__(call, status)
        wanted = _USUAL_WAIT_S if retry_in_s is None else retry_in_s
        self.retry_in_s = min(max(wanted, _SHORTEST_WAIT_S), _LONGEST_WAIT_S)


class ProtocolError(ZaloError):
    """An answer arrived that cannot be read: not JSON, not decryptable, or of another shape than expected."""

    help = "if it stays, Zalo has changed something: look for a newer release"

    def __init__(self, call: str, reason: str) -> None:
        super().__init__(f"{call}: {reason}")
        self.call = call
        self.reason = reason


class AnswerTooLarge(ProtocolError):
    """An answer with more bytes or values than any of Zalo's has. Reading stopped there; nothing was kept."""


class ForeignAddress(ProtocolError):
    """An address that is not Zalo's, or not https, where cookies would go along. Nothing was sent there."""


class NoService(ProtocolError):
    """The login gave no address for a service, or none of Zalo's, so nothing was sent."""

    help = "log in again; if it stays, Zalo has moved the service to a new host"

    def __init__(self, call: str, service: str) -> None:
        super().__init__(call, f"the login gave no address for the service `{service}`")
        self.service = service


class ApiError(ZaloError):
    """Zalo answered with an error. `code` is None when the answer had none, which counts as an error too."""

    def __init__(self, code: int | None, message: str, call: str) -> None:
        told = message or "no error message"
        super().__init__(f"{call}: {told} ({'no code' if code is None else f'code {code}'})")
        self.code = code
        self.message = message
        self.call = call

    @staticmethod
    def of(code: int | None, message: str, call: str) -> ApiError:
        """The error class that stands for this code."""
        return _BY_CODE.get(code, ApiError)(code, message, call)


class SessionExpired(ApiError):
    """The session is dead: its key or cookies are not accepted any more."""

    help = "log in again"


class SessionRefused(SessionExpired, HttpStatusError):
    """Zalo answered with HTTP status 401 or 403: whoever asked is not logged in any more. `code` is None."""

    def __init__(self, call: str, status: int) -> None:
        ZaloError.__init__(self, f"{call}: Zalo refused the session with HTTP status {status}")
        self.code = None
        self.message = ""
        self.call = call
        self.status = status
        self.retryable = False


class InvalidParameters(ApiError):
    """Zalo did not like the parameters."""


class RefusedByRecipient(ApiError):
    """The other side takes no messages from this account, or not these."""


class NotInGroup(ApiError):
    """The account, or the person meant, is no member of the group or may not do this there."""


class NotFound(ApiError):
    """What was asked for does not exist."""


class RateLimited(ApiError):
    """Too many requests; later it works again."""

    retryable = True
    help = "wait some minutes"


_BY_CODE: dict[int | None, type[ApiError]] = {
    102: SessionExpired,
    600: SessionExpired,
    114: InvalidParameters,
    122: RefusedByRecipient,
    123: RefusedByRecipient,
    165: NotInGroup,
    166: NotInGroup,
    212: NotFound,
    216: NotFound,
    221: RateLimited,
}


class PartlySent(ZaloError):
    """Of several messages that belong together some were sent, and then one failed with `cause`.

    `msg_ids` are those of the sent ones, in their order ("" where Zalo named none). What stands behind the
    failed one was not sent.
    """

    def __init__(self, call: str, msg_ids: tuple[str, ...], total: int, cause: ZaloError) -> None:
        super().__init__(f"{call}: {len(msg_ids)} of {total} were sent, then: {cause}")
        self.call = call
        self.msg_ids = msg_ids
        self.total = total
        self.cause = cause
        self.help = cause.help


class TooLarge(ZaloError):
    """A file that is being fetched has more bytes than the caller allows; nothing of it was kept."""


class LinkExpired(ZaloError):
    """The link to a file is not valid any more. Its signature lives as long as Zalo wants."""

    help = "ask the sender to send the file again"


class LoginFailed(ZaloError):
    """A login that did not work. `stage` names the step it ended at, `code` is Zalo's, if it gave one."""

    help = "log in again"

    def __init__(self, stage: str, reason: str, code: int | None = None) -> None:
        told = reason if code is None else f"{reason} (code {code})"
        super().__init__(f"login failed at {stage}: {told}")
        self.stage = stage
        self.reason = reason
        self.code = code


class Replaced(ZaloError):
    """The socket closed with 3000: the account was opened in another web client. Never retry blindly."""

    help = "close the other Zalo Web, then start this account again"

    def __init__(self) -> None:
        super().__init__("another Zalo Web took over this account (close code 3000)")


class Kicked(ZaloError):
    """The socket closed with 3003: Zalo ended the session. Never retry blindly."""

    help = "log in again"

    def __init__(self) -> None:
        super().__init__("Zalo ended this session (close code 3003)")

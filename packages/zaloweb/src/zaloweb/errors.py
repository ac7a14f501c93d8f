"""What can go wrong between us and Zalo.

    ZaloError
    ├── SettingsError             a setting, a file or credentials cannot be used
    ├── InvalidRequest            the caller's request is invalid; nothing was sent
    ├── CipherError               something did not decrypt: wrong key, wrong tag, damaged text
    ├── FrameError                a WebSocket frame that is not one
    ├── NetworkError
    │   ├── BeforeSending         no byte of the request left: it may be sent again
    │   │   └── NotPrepared       a step before a message (an upload …) failed; the message was not sent
    │   └── NoAnswer              bytes left, but no complete answer came: the outcome is unknown
    ├── HttpStatusError           the HTTP status is not 2xx
    │   └── TryLater              408, 429, 503: nothing was done; retry later
    ├── ProtocolError             an answer that cannot be read
    │   ├── AnswerTooLarge        an answer with more bytes or values than expected
    │   ├── ForeignAddress        a redirect or an address that is not Zalo's
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
    ├── TooLarge                  a download is larger than allowed
    ├── LinkExpired               the link to a file is no longer valid
    ├── LoginFailed               a login that ended at a named stage
    ├── Replaced                  the socket closed with 3000: another client took over the account
    └── Kicked                    the socket closed with 3003: Zalo ended this session

Every error says in one line what happened, whether retrying helps (`retryable`) and what the operator can do
(`help`, "" if nothing). No text holds a cookie, a key, a token or the parameters of a call.
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
    """A setting, a file or credentials that cannot be used. The text says which, and what is allowed."""


class InvalidRequest(ZaloError, ValueError):
    """An invalid request; nothing was sent. The text says what is wrong with it."""


class CipherError(ZaloError):
    """Something did not decrypt."""


class FrameError(ZaloError):
    """A WebSocket frame that is too short or invalid."""


class NetworkError(ZaloError):
    """No answer came. `call` names the request."""

    retryable = True
    help = "check the network of this machine"

    def __init__(self, call: str, reason: str) -> None:
        super().__init__(f"{call}: {reason}")
        self.call = call
        self.reason = reason


class BeforeSending(NetworkError):
    """No byte of the request left this machine, so it is safe to retry."""


class NotPrepared(BeforeSending):
    """A step before a message failed: the upload of a file, the preview of a link. Others have seen nothing,
    so everything may be retried.
    """


class NoAnswer(NetworkError):
    """Bytes left, but no complete answer came. It is unknown whether Zalo processed the request."""


class HttpStatusError(ZaloError):
    """An HTTP status outside 2xx; the body is ignored."""

    def __init__(self, call: str, status: int) -> None:
        super().__init__(f"{call}: Zalo answered with HTTP status {status}")
        self.call = call
        self.status = status
        self.retryable = status in _LATER or status >= 500

    @staticmethod
    def of_status(call: str, status: int, retry_in_s: float | None = None) -> HttpStatusError:
        """The error for a status of Zalo; `retry_in_s` is from `Retry-After`."""
        if status in _LATER:
            return TryLater(call, status, retry_in_s)
        return SessionRefused(call, status) if status in _NOT_ALLOWED else HttpStatusError(call, status)


class TryLater(HttpStatusError):
    """Zalo did nothing and asks to retry later: too many requests, an overload, a slow request.

    `retry_in_s` is in seconds, limited to 1 to 3600; 30 if the server gave none.
    """

    help = "wait; it is tried again later"

    def __init__(self, call: str, status: int, retry_in_s: float | None = None) -> None:
        super().__init__(call, status)
        wanted = _USUAL_WAIT_S if retry_in_s is None else retry_in_s
        self.retry_in_s = min(max(wanted, _SHORTEST_WAIT_S), _LONGEST_WAIT_S)


class ProtocolError(ZaloError):
    """An answer that cannot be read: not JSON, not decryptable, or of an unexpected shape."""

    help = "if it stays, Zalo has changed something: look for a newer release"

    def __init__(self, call: str, reason: str) -> None:
        super().__init__(f"{call}: {reason}")
        self.call = call
        self.reason = reason


class AnswerTooLarge(ProtocolError):
    """An answer with more bytes or values than Zalo's have. Reading stopped; nothing was kept."""


class ForeignAddress(ProtocolError):
    """An address that is not Zalo's or not https, for a request with cookies. Nothing was sent there."""


class NoService(ProtocolError):
    """The login gave no address for a service, or none of Zalo's, so nothing was sent."""

    help = "log in again; if it stays, Zalo has moved the service to a new host"

    def __init__(self, call: str, service: str) -> None:
        super().__init__(call, f"the login gave no address for the service `{service}`")
        self.service = service


class ApiError(ZaloError):
    """Zalo answered with an error. `code` is None for an answer without a code, which is an error too."""

    def __init__(self, code: int | None, message: str, call: str) -> None:
        told = message or "no error message"
        super().__init__(f"{call}: {told} ({'no code' if code is None else f'code {code}'})")
        self.code = code
        self.message = message
        self.call = call

    @staticmethod
    def of(code: int | None, message: str, call: str) -> ApiError:
        """The error for this code."""
        return _BY_CODE.get(code, ApiError)(code, message, call)


class SessionExpired(ApiError):
    """The session has expired: its key or cookies are no longer accepted."""

    help = "log in again"


class SessionRefused(SessionExpired, HttpStatusError):
    """Zalo answered with HTTP status 401 or 403: the account is no longer logged in. `code` is None."""

    def __init__(self, call: str, status: int) -> None:
        ZaloError.__init__(self, f"{call}: Zalo refused the session with HTTP status {status}")
        self.code = None
        self.message = ""
        self.call = call
        self.status = status
        self.retryable = False


class InvalidParameters(ApiError):
    """Zalo refused the parameters."""


class RefusedByRecipient(ApiError):
    """The recipient does not accept messages from this account, or not these."""


class NotInGroup(ApiError):
    """The account or the person is no member of the group, or is not allowed to do this there."""


class NotFound(ApiError):
    """The requested thing does not exist."""


class RateLimited(ApiError):
    """Too many requests; retry later."""

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
    """Some of several messages were sent, then one failed with `cause`.

    `msg_ids` are those of the sent ones, in order ("" where Zalo named none). Messages after the failed one
    were not sent.
    """

    def __init__(self, call: str, msg_ids: tuple[str, ...], total: int, cause: ZaloError) -> None:
        super().__init__(f"{call}: {len(msg_ids)} of {total} were sent, then: {cause}")
        self.call = call
        self.msg_ids = msg_ids
        self.total = total
        self.cause = cause
        self.help = cause.help


class TooLarge(ZaloError):
    """A download has more bytes than the caller allows; nothing of it was kept."""


class LinkExpired(ZaloError):
    """The link to a file is no longer valid. Zalo decides how long its signature lasts."""

    help = "ask the sender to send the file again"


class LoginFailed(ZaloError):
    """A failed login. `stage` is the step that failed, `code` is Zalo's, if it gave one."""

    help = "log in again"

    def __init__(self, stage: str, reason: str, code: int | None = None) -> None:
        told = reason if code is None else f"{reason} (code {code})"
        super().__init__(f"login failed at {stage}: {told}")
        self.stage = stage
        self.reason = reason
        self.code = code


class Replaced(ZaloError):
    """The socket closed with 3000: another web client took over the account. Never retry blindly."""

    help = "close the other Zalo Web, then start this account again"

    def __init__(self) -> None:
        super().__init__("another Zalo Web took over this account (close code 3000)")


class Kicked(ZaloError):
    """The socket closed with 3003: Zalo ended the session. Never retry blindly."""

    help = "log in again"

    def __init__(self) -> None:
        super().__init__("Zalo ended this session (close code 3003)")

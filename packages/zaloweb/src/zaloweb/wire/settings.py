"""The server's limits and wishes for its clients: a typed view of the settings in a login.

The keys are those of `getServerInfo`. Missing values and those of another type have defaults, and numbers are
limited to a sensible range; `raw` is as the server sent it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

DEFAULT_PING_INTERVAL_MS = 180_000
SHORTEST_PING_MS, LONGEST_PING_MS = 10_000, 3_600_000
_SHORTEST_REHEARSED_MS = 250
_DEFAULT_MAX_FILES = 20
_DEFAULT_MAX_FILE_MB = 1024
_DEFAULT_CHUNK_BYTES = 3 * 1024 * 1024
_MOST_FILES = 1000
_MOST_CODES = 1000
_MOST_FILE_MB = 16 * 1024
_SMALLEST_CHUNK, _LARGEST_CHUNK = 1000, 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one login."""

    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def ping_interval_ms(self) -> int:
        """How often the socket pings: every 10 seconds at most, every hour at least."""
        return self.ping_ms(rehearsed=False)

    def ping_ms(self, *, rehearsed: bool) -> int:
        """The same; shorter intervals are possible in a rehearsal, to make things go fast."""
        shortest = _SHORTEST_REHEARSED_MS if rehearsed else SHORTEST_PING_MS
        wanted = _number(self._socket.get("ping_interval"), DEFAULT_PING_INTERVAL_MS)
        return min(max(wanted, shortest), LONGEST_PING_MS)

    @property
    def retries(self) -> dict[str, Any]:
        """Close code, as a text, to `{"max": int, "times": int or list}`, in milliseconds."""
        return _dict(self._socket.get("retries"))

    @property
    def close_and_retry_codes(self) -> tuple[int, ...]:
        return _numbers(self._socket.get("close_and_retry_codes"))

    @property
    def rotate_error_codes(self) -> tuple[int, ...]:
        return _numbers(self._socket.get("rotate_error_codes"))

    @property
    def max_files(self) -> int:
        """The most files of one message."""
        return min(_number(self._sharefile.get("max_file"), _DEFAULT_MAX_FILES), _MOST_FILES)

    @property
    def max_file_mb(self) -> int:
        """The largest file, in megabytes."""
        wanted = _number(self._sharefile.get("max_size_share_file_v3"), _DEFAULT_MAX_FILE_MB)
        return min(wanted, _MOST_FILE_MB)

    @property
    def chunk_bytes(self) -> int:
        """The size of the chunks of an upload."""
        wanted = _number(self._sharefile.get("chunk_size_file"), _DEFAULT_CHUNK_BYTES)
        return min(max(wanted, _SMALLEST_CHUNK), _LARGEST_CHUNK)

    @property
    def refused_extensions(self) -> frozenset[str]:
        """File name extensions that are refused, lower case, without the dot."""
        listed = self._sharefile.get("restricted_ext_file")
        listed = listed if isinstance(listed, list) else ()
        return frozenset(text for text in listed if isinstance(text, str))

    @property
    def _socket(self) -> dict[str, Any]:
        return _dict(_dict(self.raw.get("features")).get("socket"))

    @property
    def _sharefile(self) -> dict[str, Any]:
        return _dict(_dict(self.raw.get("features")).get("sharefile"))


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _number(value: object, default: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else default


def _numbers(value: object) -> tuple[int, ...]:
    listed = value[:_MOST_CODES] if isinstance(value, list) else ()
    return tuple(code for code in listed if isinstance(code, int))

"""How the simulated Zalo behaves: times, limits, and the packing of pushed events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Packing = Literal["zlib", "gzip"]


@dataclass(frozen=True, slots=True)
class Sealing:
    """How a pushed event is packed: `encrypt` 0 plain, 1 compressed, 2 compressed and encrypted, 3 encrypted.

    `packing` None alternates between zlib and gzip, because clients must read both.
    """

    encrypt: Literal[0, 1, 2, 3] = 2
    packing: Packing | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """The constants of one world.

    `ping_interval_ms` is in the settings a client gets. A QR long poll is answered with "nothing yet" after
    `poll_seconds`. Each account can ask for `remembered` messages of each kind of thread, `page` at a time.
    The event log keeps `recorded` records.

    The media host keeps up to `media_bytes` of files. Uploads come in chunks of `chunk_bytes`; a file may
    have `file_mib` MiB and none of the `forbidden_extensions`; the settings hold all three. The push that a
    file is ready comes `upload_seconds` after the answer to its last chunk.

    `fault_seed` decides which calls a fault with a probability hits.
    """

    ping_interval_ms: int = 180_000
    poll_seconds: float = 10.0
    remembered: int = 20_000
    page: int = 200
    recorded: int = 20_000
    media_bytes: int = 1 << 30
    chunk_bytes: int = 3_145_728
    file_mib: int = 1024
    forbidden_extensions: tuple[str, ...] = ("exe", "bat", "apk")
    upload_seconds: float = 0.02
    fault_seed: int = 0
    sealing: Sealing = Sealing()

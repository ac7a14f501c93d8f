"""Reads what is stored in several threads at once, as the first thing that a process does, in 40 processes.

Ends with 1 if one of them crashed.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable

from clawlane.access.policy import AccessPolicy
from clawlane.access.policy_record import policy_of, policy_text
from zaloweb.cookies import Jar
from zaloweb.session import Credentials, Session
from zaloweb.wire.settings import Settings

_TIMES, _THREADS = 40, 8
_SERVICES = {"chat": ["https://tt-chat.chat.zalo.me"]}


def main() -> int:
    policy = policy_text(AccessPolicy())
    jar = Jar.from_list([{"name": "zpsid", "value": "x", "domain": "chat.zalo.me", "path": "/"}], 0)
    session = Session(Credentials("imei", "agent", jar), "1", "key", _SERVICES, (), Settings({})).to_json()
    reads = (lambda: policy_of(policy), lambda: Session.from_json(session))
    return int(any(_crashed(read) for read in reads for _ in range(_TIMES // len(reads))))


def _crashed(read: Callable[[], object]) -> bool:
    pid = os.fork()
    if not pid:
        _read_at_once(read)
        os._exit(0)
    return os.waitpid(pid, 0)[1] != 0


def _read_at_once(read: Callable[[], object]) -> None:
    sys.setswitchinterval(1e-6)
    ready = threading.Barrier(_THREADS)

    def run() -> None:
        ready.wait()
        if read() is None:
            os._exit(1)

    threads = [threading.Thread(target=run) for _ in range(_THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    sys.exit(main())

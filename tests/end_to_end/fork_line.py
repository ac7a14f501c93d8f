"""How a fork is asked for, over the socket of `fork_server.py`.

`python fork_line.py SOCKET PROGRAM…` is a fork to whoever can only start a command line: it has the files and
the environment of that process, which ends as the fork does. If that process is killed, so is the fork.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Mapping, Sequence


def ask(
    address: str, program: Sequence[str], env: Mapping[str, str], files: Sequence[int], **more: bool
) -> socket.socket:
    """A line whose first four bytes are the pid of the fork, and the others, at its end, its exit code.

    `files` become its input, output and errors.
    """
    line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    line.connect(address)
    asked = {"program": list(program), "env": dict(env), "cwd": os.getcwd(), **more}
    head = json.dumps(asked).encode()
    socket.send_fds(line, [len(head).to_bytes(4, "big")], list(files))
    line.sendall(head)
    return line


def main(address: str, *program: str) -> int:
    with ask(address, program, os.environ, (0, 1, 2), bound=True) as line:
        line.recv(4, socket.MSG_WAITALL)
        return int(line.recv(64) or b"-9") & 0xFF


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

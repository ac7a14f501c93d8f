"""From starting the gateway's process to being connected, and its memory at rest, against the simulator."""

from __future__ import annotations

import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from demo.stage import Gateway, Operator, Simulator, running, simulator

_RUNS = 5
_CONFIG = "{ channels: { zalouser: { enabled: true, dmPolicy: 'pairing', groupPolicy: 'disabled' } } }"


def run() -> None:
    with tempfile.TemporaryDirectory(prefix="clawlane-bench-") as folder, simulator(Path(folder)) as zalo:
        operator = _linked(Path(folder) / "state", zalo)
        with Gateway(operator) as gateway:
            measured = [_once(gateway, zalo) for _ in range(_RUNS)]
    seconds, memory = zip(*measured, strict=True)
    print(
        f"gateway, one account, echo agent: {statistics.median(seconds):.2f} s from start to ready "
        f"(aim: 1 s), {statistics.median(memory):.0f} MB resident at rest (aim: 70 MB); medians of {_RUNS}"
    )


def _once(gateway: Gateway, zalo: Simulator) -> tuple[float, float]:
    started = time.perf_counter()
    gateway.start()
    zalo.wait("connected")
    gateway.said("is ready")
    took = time.perf_counter() - started
    memory = _resident_mb(gateway.pid)
    gateway.stop()
    return took, memory


def _resident_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def _linked(state: Path, zalo: Simulator) -> Operator:
    state.mkdir(mode=0o700)
    (state / "config.json5").write_text(_CONFIG)
    operator = Operator.at(state, zalo.network)
    operator.run("plugins", "install", "@openclaw/zalouser")
    words = ("channels", "login", "--channel", "zalouser", "--accept-risk")
    with running(operator.command(*words), operator.env, subprocess.STDOUT) as login:
        zalo.wait("qrshown")
        zalo.do("/scan")
        zalo.do("/confirm")
        login.wait()
    return operator


if __name__ == "__main__":
    run()

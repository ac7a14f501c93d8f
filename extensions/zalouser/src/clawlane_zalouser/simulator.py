"""The simulator as a program of its own: how to start it, and what leads a process there.

Its module is never imported here: a gateway that serves a real account has no simulator in it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from clawlane.capabilities import NoSimulator
from clawlane.texts import later
from clawlane_zalouser import cast
from zaloweb.transport import network

SCENARIOS = Path(__file__).with_name("scenarios")

_NEEDED = ("segno", "trustme")
"""What the extra `rehearsal` brings."""


def command(folder: Path, port: int, control_port: int, *, empty: bool) -> tuple[str, ...]:
    """The command line; its certificate is written into the folder. Raises `NoSimulator`."""
    if lacking := [name for name in _NEEDED if find_spec(name) is None]:
        raise NoSimulator(
            later(
                "the simulator needs {names}, which the plugin's extra 'rehearsal' brings",
                names=", ".join(lacking),
            ),
            f"pip install {' '.join(lacking)}",
        )
    ports = ("--port", str(port), "--control-port", str(control_port))
    flags = ("--until-stdin-closes", *(("--empty",) if empty else ()))
    return (sys.executable, "-m", "zaloweb.sim", *ports, "--ca", str(folder / "simulator.pem"), *flags)


def environment(ready: str) -> Mapping[str, str]:
    """`ZALOWEB_NETWORK` and `ZALOWEB_CONTROL`, from the line of a ready simulator. Raises `NoSimulator`."""
    try:
        told = json.loads(ready)
        port, control, ca_file = int(told["port"]), int(told["control"]), str(told["ca"])
    except (ValueError, KeyError, TypeError):
        raise NoSimulator(later("the simulator did not say where it is")) from None
    return {
        network.VARIABLE: f"{network.LOOPBACK}:{port},{ca_file}",
        cast.VARIABLE: f"{network.LOOPBACK}:{control}",
    }

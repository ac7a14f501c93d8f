"""`mcp serve` as a person types it; what clients get is told in tests/end_to_end."""

from __future__ import annotations

import signal

from packages.clawlane.tests.cli.terminal import Terminal


def test_at_a_terminal_it_says_that_it_waits_for_a_client(perch) -> None:
    terminal = Terminal("mcp", "serve")
    terminal.until("Ctrl-C ends it.")
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.finish() == 0
    assert "A client starts this command by itself" in terminal.seen
    assert "Traceback" not in terminal.seen

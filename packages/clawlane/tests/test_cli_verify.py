"""The help of `verify` names every step."""

from __future__ import annotations

from click.testing import CliRunner

from clawlane.cli.verify import verify
from clawlane.ops.ritual.steps import StepName


def test_the_help_names_every_step_in_order() -> None:
    told = CliRunner().invoke(verify, ["--help"], terminal_width=80).output
    assert ", ".join(StepName) in " ".join(told.split())
    assert max(map(len, told.splitlines())) <= 80

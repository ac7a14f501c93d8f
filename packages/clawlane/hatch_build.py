"""Compiles the catalogues of texts when the package is built, or installed to be edited."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Catalogues(BuildHookInterface[Any]):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        for po in Path(self.root, "src").rglob("*.po"):
            with po.open("rb") as written, po.with_suffix(".mo").open("wb") as compiled:
                write_mo(compiled, read_po(written, po.parents[1].name))

"""No module of ours imports itself, not even over others. Imports in functions and for typing count too."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

SOURCES = {
    "zaloweb": ROOT / "packages/zaloweb/src/zaloweb",
    "clawlane": ROOT / "packages/clawlane/src/clawlane",
    "clawlane_zalouser": ROOT / "extensions/zalouser/src/clawlane_zalouser",
}


@pytest.mark.parametrize("package", SOURCES)
def test_no_module_imports_itself_over_others(package: str) -> None:
    assert cycle_in(imports_of(package, SOURCES[package])) == []


def test_a_cycle_is_found_wherever_the_import_stands(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "__init__.py").write_text("")
    (tmp_path / "sub" / "__init__.py").write_text("")
    (tmp_path / "a.py").write_text("def f():\n    from pkg.sub import b\n")
    (tmp_path / "sub" / "b.py").write_text("if TYPE_CHECKING:\n    from .. import c\n")
    (tmp_path / "c.py").write_text("import pkg.a\n")
    assert set(cycle_in(imports_of("pkg", tmp_path))) == {"pkg.a", "pkg.sub.b", "pkg.c"}


def test_a_name_of_a_package_is_no_module(tmp_path: Path) -> None:
    (tmp_path / "__init__.py").write_text("from pkg.a import NAME\n")
    (tmp_path / "a.py").write_text("NAME = 1\n")
    (tmp_path / "b.py").write_text("from pkg import NAME, a\n")
    found = imports_of("pkg", tmp_path)
    assert found == {"pkg": {"pkg.a"}, "pkg.a": set(), "pkg.b": {"pkg", "pkg.a"}}


def imports_of(package: str, source: Path) -> dict[str, set[str]]:
    """Each module of a package with those of the package that it imports."""
    files = {module_of(package, source, path): path for path in source.rglob("*.py")}
    return {name: set(imported(name, path, files)) - {name} for name, path in files.items()}


def module_of(package: str, source: Path, path: Path) -> str:
    parts = path.relative_to(source).with_suffix("").parts
    return ".".join([package, *(part for part in parts if part != "__init__")])


def imported(name: str, path: Path, modules: dict[str, Path]) -> Iterator[str]:
    """The modules that a file imports. A package counts where one of its own names is asked for."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules)
        elif isinstance(node, ast.ImportFrom):
            base = absolute(node, name, is_package=path.name == "__init__.py")
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                if inner in modules:
                    yield inner
                elif base in modules:
                    yield base


def absolute(node: ast.ImportFrom, name: str, *, is_package: bool) -> str:
    """The package or module that names are imported from."""
    if not node.level:
        return node.module or ""
    parts = name.split(".")
    above = parts[: len(parts) - node.level + is_package]
    return ".".join([*above, *([node.module] if node.module else [])])


def cycle_in(graph: dict[str, set[str]]) -> list[str]:
    """The modules of one cycle, in order; none if there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        found: list[str] = error.args[1]
        return found
    return []

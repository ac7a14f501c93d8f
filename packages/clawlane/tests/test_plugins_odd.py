"""Plugins that somebody packed oddly or with ill will: one line each, nothing run, nothing recorded."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

from clawlane.config.paths import Paths
from clawlane.plugins.errors import BadSpec, LoadFailed, PluginError
from clawlane.plugins.install import install
from clawlane.plugins.registry import Registry, load_manifest

_POINTS = '[project.entry-points."clawlane.channels"]\n'
_GOOD = f'[project]\nname = "parrot-channel"\nversion = "1.2"\n{_POINTS}parrot = "p:M"\n'


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(Paths(tmp_path / "state", tmp_path / "state" / "config.json5"))


def refused(registry: Registry, spec: Path | str) -> str:
    with pytest.raises(PluginError) as caught:
        install(str(spec), registry, 0)
    told = f"{caught.value}; {caught.value.help}"
    assert "\n" not in told
    assert told.isprintable(), told
    assert registry.records == ()
    return told


def folder(tmp_path: Path, text: str | bytes) -> Path:
    made = tmp_path / "plugin"
    made.mkdir()
    (made / "pyproject.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
    return made


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("project = 3", "[project] is not a table"),
        ("project = []", "[project] is not a table"),
        ("[project]\nname = 3", "no usable name"),
        ("[project]\nname = ''", "does not name its distribution"),
        ('[project]\nname = "--index-url=x"', "no usable name"),
        ('[project]\nname = "a\\u001b[31m"', "no usable name"),
        ("[project]\nname = ['x']", "no usable name"),
        ('[project]\nname = "x"\nversion = 1.0', "no usable version"),
        ('[project]\nname = "x"\nversion = "1\\n2"', "no usable version"),
        ('[project]\nname = "x"\nentry-points = 3', "is not a channel plugin"),
        (
            '[project]\nname = "x"\n[project.entry-points]\n"clawlane.channels" = "y"',
            "is not a channel plugin",
        ),
        (f'[project]\nname = "x"\n{_POINTS}"a\\u001b[2J" = "y:Z"', "is not a valid channel id"),
        (f'[project]\nname = "x"\n{_POINTS}"../up" = "y:Z"', "is not a valid channel id"),
        (f'[project]\nname = "x"\n{_POINTS}"Zalo User" = "y:Z"', "is not a valid channel id"),
        ("a = " + "[" * 5000, "cannot be read"),
        (b"\xff\xfe", "cannot be read"),
        ("x = '" + "y" * 2_000_000 + "'", "larger than 1024 kB"),
        ("", "does not name its distribution"),
        ("[project", "cannot be read"),
    ],
)
def test_odd_metadata_of_a_folder_is_one_line(
    registry: Registry, tmp_path: Path, text: str | bytes, told: str
) -> None:
    assert told in refused(registry, folder(tmp_path, text))


@pytest.mark.parametrize("kind", ["fifo", "folder", "link to nowhere", "link to a device"])
def test_a_pyproject_that_is_no_file_is_not_waited_for(registry: Registry, tmp_path: Path, kind: str) -> None:
    made = tmp_path / "plugin"
    made.mkdir()
    file = made / "pyproject.toml"
    match kind:
        case "fifo":
            os.mkfifo(file)
        case "folder":
            file.mkdir()
        case "link to nowhere":
            file.symlink_to(tmp_path / "nowhere")
        case _:
            file.symlink_to("/dev/zero")
    assert "pyproject.toml" in refused(registry, made)


@pytest.mark.parametrize("linked", [False, True])
def test_a_fifo_among_the_sources_is_found_before_anything_is_built(
    registry: Registry, tmp_path: Path, linked: bool
) -> None:
    made = folder(tmp_path, _GOOD)
    os.mkfifo(tmp_path / "pipe")
    (made / "src").mkdir()
    if linked:
        (made / "src" / "data").symlink_to(tmp_path / "pipe")
    else:
        os.mkfifo(made / "src" / "data")
    assert f"{made}/src/data" in refused(registry, made)


@pytest.mark.parametrize(
    "spec", ["~nosuchuser/plugin", "a\0b", "x" * 5000, "", "a\x1b[2Jb", "/dev/null", "/dev/zero"]
)
def test_what_cannot_be_a_name_of_anything_is_one_line(registry: Registry, spec: str) -> None:
    assert "is not a folder, a wheel" in refused(registry, spec)


def test_a_fifo_is_no_wheel(registry: Registry, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "parrot.whl")
    assert "is not a folder, a wheel" in refused(registry, tmp_path / "parrot.whl")


_METADATA = "Metadata-Version: 2.1\nName: parrot-channel\nVersion: 1.2\n"
_ENTRY = "[clawlane.channels]\nparrot = p:M\n"


def wheel(tmp_path: Path, metadata: str | bytes, points: str | bytes = _ENTRY, **more: bytes) -> Path:
    file = tmp_path / "parrot_channel-1.2-py3-none-any.whl"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("parrot_channel-1.2.dist-info/METADATA", metadata)
        archive.writestr("parrot_channel-1.2.dist-info/entry_points.txt", points)
        for name, content in more.items():
            archive.writestr(name, content)
    return file


@pytest.mark.parametrize(
    ("metadata", "points", "told"),
    [
        (b"\xff\xfe\x00", _ENTRY, "is not a wheel"),
        ("", _ENTRY, "does not name its distribution"),
        ("Name: -\n", _ENTRY, "no usable name"),
        ("Name: x\nVersion: \x1b[31m\n", _ENTRY, "no usable version"),
        (_METADATA, "no section", "is not a wheel"),
        (_METADATA, "[clawlane.channels]\n%(x)s = %(y)s\n", "is not a valid channel id"),
        (_METADATA, "[console_scripts]\nx = y:z\n", "is not a channel plugin"),
        (_METADATA, b"\xff", "is not a wheel"),
        ("x" * 2_000_000, _ENTRY, "is not a wheel"),
        (_METADATA, "[clawlane.channels]\n" + "#" * 2_000_000, "is not a wheel"),
    ],
)
def test_odd_metadata_of_a_wheel_is_one_line(
    registry: Registry, tmp_path: Path, metadata: str | bytes, points: str | bytes, told: str
) -> None:
    assert told in refused(registry, wheel(tmp_path, metadata, points))


def test_a_bomb_is_not_unpacked(registry: Registry, tmp_path: Path) -> None:
    file = wheel(tmp_path, _METADATA)
    with (
        zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("big", "w") as big,
    ):
        for _ in range(520):
            big.write(bytes(2**20))
    assert file.stat().st_size < 5_000_000
    assert "is too large for a plugin: 3 files of 520 MB unpacked" in refused(registry, file)


def test_a_wheel_of_very_many_files_is_refused(registry: Registry, tmp_path: Path) -> None:
    file = wheel(tmp_path, _METADATA, **{f"f{number}": b"" for number in range(20_001)})
    assert "is too large for a plugin: 20003 files" in refused(registry, file)


def test_a_truncated_wheel_is_none(registry: Registry, tmp_path: Path) -> None:
    file = wheel(tmp_path, _METADATA)
    file.write_bytes(file.read_bytes()[:-30])
    assert "is not a wheel" in refused(registry, file)


def test_a_wheel_with_damaged_contents_is_none(registry: Registry, tmp_path: Path) -> None:
    file = wheel(tmp_path, _METADATA)
    raw = bytearray(file.read_bytes())
    raw[70:90] = bytes(20)
    file.write_bytes(raw)
    assert "is not a wheel" in refused(registry, file)


# Names that belong to the official plugins


@pytest.mark.parametrize("name", ["zalouser", "zlu"])
def test_another_distribution_cannot_take_an_official_channels_name(
    registry: Registry, tmp_path: Path, name: str
) -> None:
    text = f'[project]\nname = "evil"\nversion = "1"\n{_POINTS}parrot = "p:M"\n{name} = "evil:M"\n'
    told = refused(registry, folder(tmp_path, text))
    assert f"evil takes the name '{name}', which belongs to the official plugin @openclaw/zalouser" in told
    assert f"evil takes the name '{name}'" in refused(
        registry, wheel(tmp_path, "Name: evil\nVersion: 1\n", f"[clawlane.channels]\n{name} = evil:M\n")
    )


def test_not_by_a_record_either() -> None:
    with pytest.raises(LoadFailed, match="belongs to the official plugin"):
        load_manifest("zalouser", "evil")


_MODULE = """
from clawlane.channel import Manifest

MANIFEST = Manifest("{id}", {label}, {aliases}, "clawlane.config.settings:ChannelSettings", "odd_channel:C")
"""


@pytest.fixture
def importable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    info = tmp_path / "odd_channel-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: odd-channel\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[clawlane.channels]\nodd = odd_channel:MANIFEST\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(__import__("sys").modules, "odd_channel", raising=False)
    return tmp_path / "odd_channel.py"


@pytest.mark.parametrize(
    ("module", "told"),
    [
        (_MODULE.format(id="odd", label="'Odd'", aliases="('zalouser',)"), "takes the name 'zalouser'"),
        (_MODULE.format(id="odd", label="'Odd'", aliases="('zlu',)"), "takes the name 'zlu'"),
        (_MODULE.format(id="odd", label="7", aliases="()"), "has a value that is not a text"),
        (_MODULE.format(id="odd", label="'Odd'", aliases="(3,)"), "has a value that is not a text"),
        (_MODULE.format(id="odd", label="'Odd'", aliases="None"), "has a value that is not a text"),
        (
            _MODULE.format(id="other", label="'Odd'", aliases="()"),
            "does not return a manifest of a channel 'odd'",
        ),
        ("raise SystemExit(0)", "cannot be loaded: SystemExit"),
        ("1/0", "cannot be loaded: ZeroDivisionError"),
    ],
)
def test_a_manifest_that_is_odd_is_one_line(importable: Path, module: str, told: str) -> None:
    importable.write_text(module)
    with pytest.raises((LoadFailed, BadSpec)) as caught:
        load_manifest("odd", "odd-channel")
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)

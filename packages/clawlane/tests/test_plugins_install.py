"""Installing plugins: what a spec may be, what is checked before anything is recorded, what is said."""

from __future__ import annotations

import json
import stat
import zipfile
from pathlib import Path

import pytest

from clawlane.config.paths import Paths
from clawlane.plugins.errors import BadSpec, LoadFailed, NotInstallable, PluginError
from clawlane.plugins.install import install
from clawlane.plugins.registry import Registry

_PYPROJECT = """
[project]
name = "parrot-channel"
version = "1.2"
{entry_points}
"""
_ENTRY_POINT = '[project.entry-points."clawlane.channels"]\nparrot = "parrot_channel:MANIFEST"'
_POINTS = "[clawlane.channels]\nparrot = parrot_channel:MANIFEST\n"
_MODULE = """
from clawlane.channel import Manifest

MANIFEST = Manifest("parrot", "Parrot", ("pol",), "clawlane.config.settings:ChannelSettings", "{runtime}")

class Parrot:
    pass
"""


class Workshop:
    """A folder of a plugin, and a site directory in which Python finds it when it is 'installed'."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "parrot"
        self.site = root / "site"
        self.paths = Paths(root / "state", root / "state" / "config.json5")
        self.folder.mkdir()
        self.site.mkdir()
        self.write_project(_ENTRY_POINT)

    def write_project(self, entry_points: str) -> None:
        (self.folder / "pyproject.toml").write_text(_PYPROJECT.format(entry_points=entry_points))

    def make_importable(
        self, runtime: str = "parrot_channel:Parrot", module: str = _MODULE, editable: Path | None = None
    ) -> None:
        """What an editable installation of the folder leaves in Python's site directory."""
        info = self.site / "parrot_channel-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: parrot-channel\nVersion: 1.2\n")
        (info / "entry_points.txt").write_text(_POINTS)
        source = {"url": (editable or self.folder).as_uri(), "dir_info": {"editable": True}}
        (info / "direct_url.json").write_text(json.dumps(source))
        (self.site / "parrot_channel.py").write_text(module.format(runtime=runtime))

    def registry(self) -> Registry:
        return Registry(self.paths)

    def recorded(self) -> list[str]:
        return [record.channel for record in self.registry().records]


@pytest.fixture
def workshop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workshop:
    import sys

    made = Workshop(tmp_path)
    monkeypatch.syspath_prepend(str(made.site))
    monkeypatch.delitem(sys.modules, "parrot_channel", raising=False)
    return made


def test_a_fresh_state_directory_has_no_plugin_however_importable_it_is(workshop: Workshop) -> None:
    workshop.make_importable()
    assert workshop.registry().manifests() == ()


def test_an_importable_plugin_is_left_as_it_is_and_recorded(workshop: Workshop) -> None:
    workshop.make_importable()
    done = install(str(workshop.folder), workshop.registry(), now_ms=1)
    assert (done.record.channel, done.record.version, done.copied, done.new) == ("parrot", "1.2", False, True)
    assert [manifest.label for manifest in workshop.registry().manifests()] == ["Parrot"]


def test_the_record_is_private(workshop: Workshop) -> None:
    workshop.make_importable()
    install(str(workshop.folder), workshop.registry(), now_ms=1)
    assert stat.S_IMODE(workshop.paths.plugins_file.stat().st_mode) == 0o600


def test_installing_again_keeps_one_record(workshop: Workshop) -> None:
    workshop.make_importable()
    install(str(workshop.folder), workshop.registry(), now_ms=1)
    assert not install(str(workshop.folder), workshop.registry(), now_ms=2).new
    assert workshop.recorded() == ["parrot"]


def test_an_editable_installation_is_not_passed_off_as_a_wheel(workshop: Workshop, tmp_path: Path) -> None:
    workshop.make_importable()
    wheel = tmp_path / "parrot_channel-1.2-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("parrot_channel-1.2.dist-info/METADATA", "Name: parrot-channel\nVersion: 1.2\n")
        archive.writestr(
            "parrot_channel-1.2.dist-info/entry_points.txt",
            "[clawlane.channels]\nparrot = parrot_channel:MANIFEST\n",
        )
    with pytest.raises(PluginError, match="is installed editable from another folder"):
        install(str(wheel), workshop.registry(), now_ms=1)


def test_an_editable_installation_of_another_folder_is_not_passed_off_as_this_one(
    workshop: Workshop, tmp_path: Path
) -> None:
    workshop.make_importable(editable=tmp_path / "elsewhere")
    with pytest.raises(PluginError, match="editable from another folder"):
        install(str(workshop.folder), workshop.registry(), now_ms=1)
    assert workshop.recorded() == []


def test_an_official_name_means_the_folder_of_this_checkout(workshop: Workshop) -> None:
    done = install("@openclaw/zalouser", workshop.registry(), now_ms=1)
    assert done.record.path.endswith("extensions/zalouser")


@pytest.mark.parametrize(
    ("entry_points", "told"),
    [("", "is not a channel plugin: it has no entry point in the group 'clawlane.channels'")],
)
def test_a_folder_without_an_entry_point_is_no_plugin(
    workshop: Workshop, entry_points: str, told: str
) -> None:
    workshop.write_project(entry_points)
    with pytest.raises(BadSpec, match=told):
        install(str(workshop.folder), workshop.registry(), now_ms=1)


def test_a_folder_without_a_project_file_is_no_plugin(workshop: Workshop, tmp_path: Path) -> None:
    with pytest.raises(BadSpec, match=r"has no pyproject\.toml"):
        install(str(tmp_path), workshop.registry(), now_ms=1)


def test_a_project_file_that_is_broken_is_one_line(workshop: Workshop) -> None:
    (workshop.folder / "pyproject.toml").write_text("[project")
    with pytest.raises(BadSpec, match=r"pyproject\.toml cannot be read: [^\n]+\Z"):
        install(str(workshop.folder), workshop.registry(), now_ms=1)


def test_a_file_that_is_no_wheel_is_refused(workshop: Workshop) -> None:
    with pytest.raises(BadSpec, match="is not a wheel"):
        install(str(workshop.folder / "pyproject.toml"), workshop.registry(), now_ms=1)


def test_a_name_that_is_nothing_gets_a_suggestion(workshop: Workshop) -> None:
    with pytest.raises(BadSpec) as caught:
        install("@openclaw/zalouse", workshop.registry(), now_ms=1)
    assert caught.value.help == "did you mean '@openclaw/zalouser'?"


@pytest.mark.parametrize(
    ("module", "runtime", "told"),
    [
        ("import nothing_of_that_name", "x:Y", "ModuleNotFoundError: No module named 'nothing_of_that_name'"),
        ("MANIFEST = 5", "x:Y", "does not return a manifest of a channel 'parrot'"),
        (_MODULE, "parrot_channel:Cockatoo", "parrot_channel has no 'Cockatoo'"),
        ("raise SystemError('line one\\nline two')", "x:Y", r"SystemError: line one\Z"),
    ],
)
def test_a_plugin_that_does_not_load_is_not_recorded(
    workshop: Workshop, module: str, runtime: str, told: str
) -> None:
    workshop.make_importable(runtime, module)
    with pytest.raises(LoadFailed, match=told):
        install(str(workshop.folder), workshop.registry(), now_ms=1)
    assert workshop.recorded() == []


def test_what_pip_says_against_a_plugin_is_one_line(workshop: Workshop) -> None:
    (workshop.folder / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "no_such_backend"\n'
        + _PYPROJECT.format(entry_points=_ENTRY_POINT)
    )
    with pytest.raises(NotInstallable, match=r"\Apip could not install [^\n]+\Z"):
        install(str(workshop.folder), workshop.registry(), now_ms=1)
    assert workshop.recorded() == []


def test_a_recorded_plugin_that_is_gone_is_named_and_the_others_stay(workshop: Workshop) -> None:
    workshop.make_importable()
    install(str(workshop.folder), workshop.registry(), now_ms=1)
    (workshop.site / "parrot_channel-1.2.dist-info" / "entry_points.txt").unlink()
    install("@openclaw/zalouser", workshop.registry(), now_ms=2)
    registry = workshop.registry()
    assert [manifest.id for manifest in registry.manifests()] == ["zalouser"]
    assert "is gone from this Python" in str(registry.broken()["parrot"])


def test_a_channel_is_found_by_id_and_alias_in_any_case(workshop: Workshop) -> None:
    workshop.make_importable()
    install(str(workshop.folder), workshop.registry(), now_ms=1)
    assert workshop.registry().find("PARROT").id == workshop.registry().find("pol").id == "parrot"


def test_a_damaged_record_is_told_with_the_way_out(workshop: Workshop) -> None:
    workshop.paths.state.mkdir()
    workshop.paths.plugins_file.write_text("{")
    with pytest.raises(LoadFailed, match="is not a record of plugins"):
        _ = workshop.registry().records

"""The compose file and the manifest in deploy/, compared with the gateway. Neither is run here."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import json5
import pytest
import yaml

from clawlane.cli.main import cli
from clawlane.config.load import Config, load
from clawlane.config.paths import Paths
from clawlane.gateway import process
from clawlane.plugins.install import install
from clawlane.plugins.registry import Registry

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
CONTAINERFILE = (DEPLOY / "Containerfile").read_text()
COMPOSE_TEXT = (DEPLOY / "compose" / "compose.yaml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(COMPOSE_TEXT)
MANIFEST = (DEPLOY / "kubernetes" / "clawlane.yaml").read_text()
KINDS: dict[str, Any] = {one["kind"]: one for one in yaml.safe_load_all(MANIFEST)}
PYPROJECT = tomllib.loads((ROOT / "packages" / "clawlane" / "pyproject.toml").read_text())
GATEWAYS = ("gateway-1", "gateway-2")
POD = KINDS["StatefulSet"]["spec"]["template"]["spec"]
(CONTAINER,) = POD["containers"]
PROBES = ("startupProbe", "livenessProbe", "readinessProbe")


def image() -> dict[str, str]:
    """The variables of the image."""
    return dict(re.findall(r"(\w+)=(\S+)", CONTAINERFILE[CONTAINERFILE.index("ENV ") :].split("USER")[0]))


def configs() -> dict[str, str]:
    """Every config of the folder, by what it is for."""
    texts = {name: (DEPLOY / "compose" / f"{name}.json5").read_text() for name in GATEWAYS}
    return {**texts, "kubernetes": KINDS["ConfigMap"]["data"]["config.json5"]}


def loaded(text: str, folder: Path) -> Config:
    paths = Paths(folder / "state", folder / "config.json5")
    paths.config_file.write_text(text)
    registry = Registry(paths)
    if not registry.records:
        install("@openclaw/zalouser", registry, 0)
    return load(paths, Registry(paths), {})


@pytest.mark.parametrize("text", [*configs().values()], ids=[*configs()])
def test_a_config_is_one_that_the_gateway_starts_with(text: str, tmp_path: Path) -> None:
    config = loaded(text, tmp_path)
    assert list(config.channels) == ["zalouser"]


def test_gateways_of_one_database_differ_only_in_what_is_their_own() -> None:
    first, second = (json5.loads(configs()[name]) for name in GATEWAYS)
    assert first.pop("metrics")["listen"] != second.pop("metrics")["listen"]
    assert [one.pop("node")["name"] for one in (first, second)] == list(GATEWAYS)
    assert first == second


def commands() -> Iterator[list[str]]:
    """What the files run or tell one to run, without the program."""
    for words in re.findall(r"docker compose run \S+ \S+ gateway-\d ((?:[a-z]+ )+)", COMPOSE_TEXT):
        yield words.split()
    yield POD["initContainers"][0]["args"][:2]
    for probe in PROBES:
        program, *words = CONTAINER[probe]["exec"]["command"]
        assert program == "openclaw"
        yield words


@pytest.mark.parametrize("words", [*commands()], ids=" ".join)
def test_a_command_exists(words: list[str]) -> None:
    command: click.Command = cli
    for word in words:
        assert isinstance(command, click.Group)
        found = command.get_command(click.Context(command), word)
        assert found is not None, words
        command = found


def test_a_probe_fails_where_no_gateway_runs(tmp_path: Path) -> None:
    """Its exit codes are part of its help, which the page of commands shows."""
    words = CONTAINER["livenessProbe"]["exec"]["command"][1:]
    env = {"CLAWLANE_STATE_DIR": str(tmp_path / "state"), "HOME": str(tmp_path)}
    program = Path(sys.executable).with_name("openclaw")
    assert subprocess.run([program, *words], env=env, capture_output=True, check=False).returncode == 5


def test_prometheus_asks_where_each_gateway_answers(tmp_path: Path) -> None:
    written = yaml.safe_load((DEPLOY / "compose" / "prometheus.yml").read_text())
    (job,) = written["scrape_configs"]
    asked = {one["labels"]["node"]: one["targets"] for one in job["static_configs"]}
    served = {name: loaded(configs()[name], tmp_path).root.metrics.listen for name in GATEWAYS}
    assert asked == {name: [str(address)] for name, address in served.items()}
    mounted = mounts(COMPOSE["services"]["prometheus"])
    for rules in written["rule_files"]:
        assert (DEPLOY / "compose" / mounted[f"/etc/prometheus/{rules}"]).is_file()
    assert COMPOSE["services"]["gateway-2"]["network_mode"] == "service:gateway-1"


def mounts(service: dict[str, Any]) -> dict[str, str]:
    """What is seen at each path of a service of the compose file."""
    return {words.split(":")[1]: words.split(":")[0] for words in service["volumes"]}


def test_state_config_and_secrets_are_where_the_gateway_looks() -> None:
    state, config = image()["CLAWLANE_STATE_DIR"], image()["CLAWLANE_CONFIG"]
    (volume,) = re.findall(r"^VOLUME (\S+)", CONTAINERFILE, re.MULTILINE)
    assert str(Path(state).parent) == volume == image()["HOME"]
    for name in GATEWAYS:
        assert mounts(COMPOSE["services"][name])[config] == f"./{name}.json5"
        assert set(COMPOSE["services"][name]["secrets"]) <= set(COMPOSE["secrets"])
        assert volume in mounts(COMPOSE["services"][name])
        for path in secret_files(configs()[name]):
            assert path.parent == Path("/run/secrets")
            assert path.name in COMPOSE["services"][name]["secrets"]
    mounted = {one["name"]: one["mountPath"] for one in CONTAINER["volumeMounts"]}
    assert mounted["state"] == volume
    assert mounted["config"] == str(Path(config).parent)
    made = re.findall(r"--from-file=(\S+)", MANIFEST)
    for path in secret_files(configs()["kubernetes"]):
        assert str(path.parent) == mounted["secrets"]
        assert path.name in made
    claimed = [one["metadata"]["name"] for one in KINDS["StatefulSet"]["spec"]["volumeClaimTemplates"]]
    assert sorted(mounted) == sorted([*(one["name"] for one in POD["volumes"]), *claimed])


def secret_files(text: str) -> list[Path]:
    config = json5.loads(text)
    return [Path(config["store"]["password"]["file"]), Path(config["secrets"]["keyFile"])]


def test_images_are_named_without_a_registry_and_ours_by_its_version() -> None:
    ours = f"clawlane:{PYPROJECT['project']['version']}"
    named = [CONTAINER["image"], *(one["image"] for one in COMPOSE["services"].values())]
    named += re.findall(r"^FROM (\S+)", CONTAINERFILE, re.MULTILINE)
    for name in named:
        host, slash, _ = name.rpartition(":")[0].partition("/")
        assert not slash or "." not in host, name
        assert not name.startswith("clawlane") or name == ours
    assert set(re.findall(r"-t (\S+)", CONTAINERFILE + COMPOSE_TEXT)) == {ours}


def test_nothing_runs_as_root_or_writes_into_its_image() -> None:
    (user,) = re.findall(r"^USER (\S+)", CONTAINERFILE, re.MULTILINE)
    for name, service in COMPOSE["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["user"].partition(":")[0] not in ("", "0", "root")
        assert name not in GATEWAYS or service["user"] == user
    pod, container = POD["securityContext"], CONTAINER["securityContext"]
    assert f"{pod['runAsUser']}:{pod['runAsGroup']}" == user
    assert pod["runAsNonRoot"] is container["readOnlyRootFilesystem"] is True
    assert container["allowPrivilegeEscalation"] is False


def test_no_secret_is_in_the_environment_or_in_the_words_of_a_command() -> None:
    for service in COMPOSE["services"].values():
        for name in service.get("environment", {}):
            assert "PASSWORD" not in name or name.endswith("_FILE")
    assert "env" not in CONTAINER
    assert "Secret" not in KINDS


def test_a_gateway_has_more_time_to_stop_than_it_takes() -> None:
    given = [POD["terminationGracePeriodSeconds"]]
    given += [int(COMPOSE["services"][name]["stop_grace_period"].removesuffix("s")) for name in GATEWAYS]
    assert min(given) > process.STOP_S


def test_the_manifest_names_what_it_holds() -> None:
    labels = KINDS["StatefulSet"]["spec"]["template"]["metadata"]["labels"]
    assert KINDS["StatefulSet"]["spec"]["selector"]["matchLabels"] == labels
    assert KINDS["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == labels
    assert KINDS["Service"]["spec"]["selector"] == labels
    assert KINDS["StatefulSet"]["spec"]["serviceName"] == KINDS["Service"]["metadata"]["name"]
    volumes = {one["name"]: one for one in POD["volumes"]}
    assert volumes["config"]["configMap"]["name"] == KINDS["ConfigMap"]["metadata"]["name"]
    secret = volumes["secrets"]["secret"]["secretName"]
    assert f"kubectl create secret generic {secret} " in MANIFEST

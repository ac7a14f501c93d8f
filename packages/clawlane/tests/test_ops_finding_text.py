"""Findings and problems in words: every code has a sentence, the same wherever it is told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from clawlane import ops
from clawlane.ops.finding_text import action, finding_json, one_line, text
from clawlane.ops.findings import Finding, Severity

_CODE = re.compile(r'(?:_finding|[^_]finding|Finding|Finding\.at|of_entry|_at)\((?:[\w.]+, )*?"(\w+)"')


MORE = ("accepted", "fixable")
MODULES = (
    "access_findings", "agent_findings", "agent_reach", "audit", "config_names", "doctor", "doubled_entries",
    "lane_findings", "leftovers", "path_findings", "private_files", "version_findings",
)  # fmt: skip


def found(code: str, path: str = "p", line: int | None = None, **data: str) -> Finding:
    return Finding(Severity.ERROR, code, path, data, line, ("zalouser/default",))


@pytest.mark.parametrize(
    ("finding", "told"),
    [
        (found("dm_open"), ("'open' lets anybody write directly", "write 'pairing'")),
        (
            found("permissions", mode="-rw-r--r--"),
            ("readable by other users (-rw-r--r--)", "run: chmod go-rwx 'p'"),
        ),
        (
            found("permissions", case="of more", count="7"),
            ("7 more files like these", "run: chmod -R go-rwx 'p'"),
        ),
        (
            found("group_in_senders", id="9", list="allowFrom"),
            ("this is a group (9), and sender lists match people only", "write it under groups: { '9': {} }"),
        ),
        (
            found("name_waiting", entry="Lan"),
            (
                "the name 'Lan' has not been looked up yet",
                "it is looked up when the gateway connects next; or run: openclaw doctor --fix",
            ),
        ),
        (
            found("name_waiting", case="in list", entry="Lan"),
            ("'Lan' is a name that has not been looked up yet", "until then it matches nobody"),
        ),
        (
            found("name_ambiguous", case="in list", entry="Lan", candidates="1, 2"),
            ("several are called 'Lan', so it matches none", "write one of 1, 2"),
        ),
        (
            found("store_unusable", text="the store is gone", mend="{restore} it"),
            ("the store is gone", "{restore} it"),
        ),
        (
            found("clock", skew_ms="180000", command="timedatectl"),
            (
                "this machine's clock is 3 min behind the platform's; messages are judged by the platform's,"
                " everything else by this machine's",
                "set it: timedatectl",
            ),
        ),
    ],
)
def test_a_code_and_its_data_become_a_sentence_and_an_action(finding: Finding, told: tuple[str, str]) -> None:
    assert (text(finding), action(finding)) == told


def test_a_line_names_the_place_and_json_has_the_same_words() -> None:
    finding = found("policy_unset", "channels.zalouser.groupPolicy", 3, value="allowlist")
    assert one_line(finding) == (
        "channels.zalouser.groupPolicy (line 3): is not set, so 'allowlist' holds: only groups under `groups`"
        " are heard; write channels.zalouser.groupPolicy: 'allowlist' to say that it is meant"
    )
    told = finding_json(finding)
    assert list(told) == ["severity", "code", "path", "text", "fix", "line", "concerns", *MORE]
    assert (told["text"], told["fix"]) == (text(finding), action(finding))


def codes_found() -> set[str]:
    """The codes of all findings, by what the modules that make them say."""
    folder = Path(ops.__file__).parent
    sources = [(folder / f"{name}.py").read_text() for name in MODULES]
    return {code for source in sources for code in _CODE.findall(source)}


def test_every_finding_of_the_audit_is_explained_in_the_docs() -> None:
    page = (Path(__file__).parents[3] / "docs" / "security.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    explained = {code for row in rows for code in re.findall(r"`(\w+)`", row.split("|")[1])}
    of_the_loader = {"channel_off", "phone_number", "config", "key_in_config", "strangers_reach"}
    no_matter_of_safety = {"no_channel", "not_linked", "agent_echo", "agent_unusable"}
    assert codes_found() - no_matter_of_safety | of_the_loader == explained


def test_every_code_that_is_found_has_words_of_its_own() -> None:
    codes = codes_found()
    assert {"dm_open", "name_pinned", "key_unused", "not_linked", "no_channel"} <= codes
    given = {"text": "as given", "mend": ""}
    fields = (
        "entry digits id candidates nobody kind channel account list mode owner uid target set_by reason key"
        " words user_id other value name count agent server host pid version day gateway command alternative"
        " was accepted_ms expendable label failed unproven group groups senders why"
    )
    values = dict.fromkeys(fields.split(), "x")
    unworded = {code for code in codes if text(found(code, **values, **given, skew_ms="1")) == "as given"}
    assert unworded == {"session_damaged", "store_unusable"}, "they are told in the words of vault and store"

"""Every shell block of the README and docs/ is typed against the simulator, or listed with the reason."""

from __future__ import annotations

import re

import pytest

from docs.shell_blocks import NOT_RUN, PAGES, ROOT, Typist, blocks, commands, unlabelled

READMES = ("README.md", "README.vi.md")
FIRST = {
    **dict.fromkeys(READMES, "bare"),
    "docs/zaloweb.md": "bare",
}
"""How far the machine is when somebody begins to follow a page; `running` for the others."""

SAFE = "{ channels: { zalouser: { enabled: true, dmPolicy: 'pairing', groupPolicy: 'disabled' } } }"
ELSEWHERE = {
    "docs/getting-started.md": "it begins twice: tests/docs/test_getting_started.py follows both ways",
    "docs/rollout.md": "people write between its steps: tests/docs/test_rollout.py follows it",
    "docs/rollout.vi.md": "the same",
    "docs/rehearsal.md": "it brings its own simulators: tests/end_to_end/test_rehearsal_docs.py follows it",
}

FOLLOWED = [page for page in PAGES if commands(page) and page not in ELSEWHERE]


@pytest.mark.long
@pytest.mark.parametrize("page", FOLLOWED)
def test_a_page_can_be_followed_as_it_is_written(page: str, typist: Typist) -> None:
    typist.state.mkdir(mode=0o700)
    written = blocks(page, "json5")[0] if page in READMES else SAFE
    (typist.state / "config.json5").write_text(written, encoding="utf-8")
    if FIRST.get(page, "running") != "bare":
        typist.type("openclaw plugins install @openclaw/zalouser")
        typist.type("openclaw channels login --channel zalouser")
        typist.start()
    typist.follow(page)


def listed() -> dict[tuple[str, str], str]:
    """The blocks that docs/not-run.md lists, by page and first line, with the reason."""
    rows = re.findall(
        r"^\| ([\w./-]+) \| `(.+?)` \| (.+) \|$",
        (ROOT / "docs" / "not-run.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    return {(page, line): reason for page, line, reason in rows}


def test_the_blocks_that_no_test_runs_are_the_listed_ones() -> None:
    marked = {(page, block.splitlines()[0]) for page in PAGES for block in blocks(page, NOT_RUN)}
    assert marked == set(listed())


def test_each_of_them_has_a_reason() -> None:
    assert all(len(reason.split()) > 3 for reason in listed().values())


@pytest.mark.parametrize("page", PAGES)
def test_no_command_hides_in_a_block_without_a_label(page: str) -> None:
    assert list(unlabelled(page)) == []

"""Commands in the sentences of a page lead to the page that does the same."""

from __future__ import annotations

import click
import pytest

from clawlane.cli.lazy import LazyGroup
from clawlane.cli.main import cli
from clawlane.console.menu import BRAKE, PAGES, linked
from clawlane.texts import in_locale
from clawlane.words.strangers import Said

COMMANDS = [command for page in (*PAGES, BRAKE) for command in page.commands]


@pytest.mark.parametrize("line", COMMANDS)
def test_a_page_stands_for_commands_that_there_are(line: str) -> None:
    command: click.Command | None = cli
    for word in line.split():
        assert isinstance(command, click.Group | LazyGroup)
        command = command.get_command(click.Context(command), word)
    assert command is not None


@pytest.mark.parametrize(
    ("sentence", "shown"),
    [
        ("see: openclaw drafts list", 'see: <a href="/drafts">Drafts</a> <code>openclaw drafts list</code>'),
        (
            "it is stuck; resume with: openclaw resume --channel zalouser --account default; then wait",
            'it is stuck; resume with: <a href="/pause">Pause or resume</a>'
            " <code>openclaw resume --channel zalouser --account default</code>; then wait",
        ),
        (
            "switched off (openclaw config set dmPolicy open)",
            'switched off (<a href="/config">Config</a> <code>openclaw config set dmPolicy open</code>)',
        ),
        (
            "openclaw drafts show 12, openclaw why",
            '<a href="/drafts">Drafts</a> <code>openclaw drafts show 12</code>, '
            '<a href="/why">Why</a> <code>openclaw why</code>',
        ),
        (
            "Look at `openclaw why`. Or (openclaw pacing).",
            'Look at <a href="/why">Why</a> <code>openclaw why</code>.'
            ' Or (<a href="/pacing">Pacing</a> <code>openclaw pacing</code>).',
        ),
        ("start it: openclaw gateway run", "start it: openclaw gateway run"),
        ("<b> & openclaw configure", "&lt;b&gt; &amp; openclaw configure"),
    ],
)
def test_a_command_in_a_sentence_leads_to_its_page(sentence: str, shown: str) -> None:
    assert linked(sentence) == shown


def test_what_somebody_else_wrote_is_left_alone() -> None:
    assert linked(Said("says: run openclaw pause <now>")) == "says: run openclaw pause &lt;now&gt;"


def test_a_page_is_called_as_in_the_menu() -> None:
    with in_locale("vi"):
        assert linked("xem: openclaw pairing list").startswith('xem: <a href="/people">Mọi người</a>')

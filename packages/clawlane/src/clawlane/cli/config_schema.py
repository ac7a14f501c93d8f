"""`config schema`: every key that the config file can have."""

from __future__ import annotations

import json

import click

from clawlane.cli.failure import CliError
from clawlane.cli.output import echo_wrapped
from clawlane.config.errors import did_you_mean
from clawlane.ops.client import Client
from clawlane.ops.config_paths import steps
from clawlane.ops.config_schema import Schema
from clawlane.texts import t


@click.command()
@click.argument("path", default="")
@click.option("--json", "as_json", is_flag=True, help="Print the JSON Schema, for editors and programs.")
@click.option("--markdown", is_flag=True, help="Print the reference page of the documentation.")
def schema(path: str, as_json: bool, markdown: bool) -> None:
    """Print every key the config file can have, or those at and below PATH.

    Each is shown with what it takes, its built-in value and what it means.

    \b
    Examples:
      openclaw config schema channels.zalouser.pacing
      openclaw config schema channels.zalouser.pacing --json
      openclaw config schema --json > config.schema.json
    """
    if markdown and path:
        raise click.UsageError(t("--markdown goes without PATH"))
    found = Client().run_here(Schema()).schema
    if markdown:
        from clawlane.config.reference_page import reference_page

        click.echo(reference_page(found), nl=False)
        return
    from clawlane.config.reference import at_or_below, keys, schema_at

    rows, place = keys(found), steps(path)
    shown, inner = at_or_below(rows, place), schema_at(found, place)
    if not shown and inner is None:
        known = [one.path for one in rows]
        raise CliError(t("{path} is no key of the config", path=path), did_you_mean(path, known))
    if as_json:
        click.echo(json.dumps(inner if path else found, ensure_ascii=False, indent=2))
        return
    for one in shown:
        of_kind = t("{path} (of kind {kind})", path=one.path, kind=one.kind)
        click.echo(of_kind if one.kind else one.path)
        default = t("built-in: {value}", value=one.default) if one.default else t("not set")
        echo_wrapped(f"{one.type}; {t('needed') if one.needed else default}", "  ")
        if one.description:
            echo_wrapped(one.description, "  ")

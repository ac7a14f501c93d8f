"""The JSON Schema of the config file, with the channels that are installed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from clawlane.channel import Manifest, load_dotted
from clawlane.config.descriptions import description
from clawlane.config.duration import duration_text
from clawlane.config.schema import ChannelDefaults, Root

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_DEFINITIONS = "$defs"
_LACKING = "OpenClaw has this key, clawlane does not: it is ignored."


def config_schema(manifests: Iterable[Manifest], installable: Iterable[str] = ()) -> dict[str, Any]:
    """The schema of a whole file. Blocks of channels that are not installed are not checked."""
    models = [load_dotted(one.settings) for one in manifests]
    places = [(model, "validation") for model in (Root, ChannelDefaults, *models)]
    found, definitions = _Generator(by_alias=True).generate_definitions(
        [(model, mode, model.__pydantic_core_schema__) for model, mode in places]  # type: ignore[misc]
    )
    root = found[(Root, "validation")]
    schema = {"$schema": _DIALECT, **_resolved(root, definitions), "description": "The config of clawlane."}
    channels: dict[str, Any] = {"defaults": found[(ChannelDefaults, "validation")]}
    for manifest, model in zip(manifests, models, strict=True):
        account = found[(model, "validation")]
        channels[manifest.id] = _channel(manifest, account, _resolved(account, definitions))
    for name in installable:
        channels.setdefault(name, {"type": "object", "description": "Its plugin is not installed."})
    schema["properties"] = dict(schema["properties"])
    schema["properties"]["channels"] = {
        "type": "object",
        "description": description(Root, "channels"),
        "properties": channels,
        "additionalProperties": False,
    }
    used = {name: one for name, one in definitions.items() if name != Root.__name__}
    return {**schema, _DEFINITIONS: used}


def _resolved(schema: Mapping[str, Any], definitions: Mapping[Any, Any]) -> dict[str, Any]:
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    return dict(definitions[name]) if name else dict(schema)


def _channel(manifest: Manifest, account: dict[str, Any], keys: dict[str, Any]) -> dict[str, Any]:
    """The block of a channel: the keys of an account, and the accounts."""
    accounts = {
        "type": "object",
        "description": "The accounts by name. Each has the keys of the channel, and overrides them.",
        "additionalProperties": account,
    }
    default = {"type": "string", "description": "The account that is meant where none is named."}
    properties = {**keys["properties"], "accounts": accounts, "defaultAccount": default}
    return {**keys, "description": f"{manifest.label}.", "properties": properties}


class _Generator(GenerateJsonSchema):
    """Keys as people write them: no nulls, times as texts, a line about each."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        default = schema.get("default", ...)
        if default is None or isinstance(default, BaseModel):  # the keys of a block have their own
            return self.generate_inner(schema["schema"])
        return super().default_schema(schema)

    def encode_default(self, dft: Any) -> Any:
        if isinstance(dft, timedelta):
            return duration_text(dft)
        return super().encode_default(dft)

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002
        return False

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        found = super().model_schema(schema)
        model = schema["cls"]
        found.pop("title", None)
        for key, one in found.get("properties", {}).items():
            if text := one.get("description") or description(model, key):
                one["description"] = text
        for key in sorted(getattr(model, "lacking", ())):
            found["properties"][key] = {"deprecated": True, "description": _LACKING}
        return found

    def enum_schema(self, schema: core_schema.EnumSchema) -> JsonSchemaValue:
        found = super().enum_schema(schema)
        found.pop("title", None)
        return found

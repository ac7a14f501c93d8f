"""Every key of the config as rows of a table, from its JSON Schema."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clawlane.config.duration import PATTERN
from clawlane.config.errors import KeyPath

_TYPES = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true, false",
    "object": "object",
    "null": "null",
}
_SENDER = "text or whole number"

_NAMES = {"groups": "<group>", "accounts": "<account>", "byChannel": "<channel>", "members": "<channel>"}
"""What stands for the keys that the operator chooses; `<name>` elsewhere."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key: `type` has the allowed values or their kind, `default` is empty where there is none.

    `needed` is true for a key that its block cannot do without. `kind` names the block that has it, where
    several may stand in one place.
    """

    path: str
    type: str
    default: str
    description: str
    needed: bool = False
    kind: str = ""


def keys(schema: Mapping[str, Any]) -> list[Key]:
    """The keys of a schema, in its order. Keys that do nothing are left out."""
    return list(_Walk(schema).below(schema, ""))


def at_or_below(rows: Iterable[Key], path: KeyPath) -> list[Key]:
    """The keys at a path of a file and below it. Names that the operator chooses fit their placeholder."""
    if path[:1] == ("channels",) and path[2:3] == ("accounts",) and len(path) > 4:
        path = (*path[:2], *path[4:])  # an account has the keys of its channel
    return [one for one in rows if _fits(one.path.replace("[]", ".[]").split("."), path)]


def schema_at(schema: Mapping[str, Any], path: KeyPath) -> dict[str, Any] | None:
    """The schema of what stands at a path of a file, with the definitions that it refers to; or None."""
    walk = _Walk(schema)
    found: list[Mapping[str, Any]] = [schema]
    for step in path:
        found = [inner for one in found for inner in walk.inside(one, step)]
    if not found:
        return None
    made = dict(found[0]) if len(found) == 1 else {"anyOf": found}
    used = {name: schema["$defs"][name] for name in sorted(_referred(made, schema["$defs"], frozenset()))}
    return {"$schema": schema["$schema"], **made, **({"$defs": used} if used else {})}


def _referred(part: Any, definitions: Mapping[str, Any], known: frozenset[str]) -> frozenset[str]:
    """The names of the definitions that a part of a schema leads to, and `known` ones."""
    if isinstance(part, Mapping):
        name = str(part.get("$ref", "")).rpartition("/")[2]
        if name and name not in known:
            known = _referred(definitions[name], definitions, known | {name})
        part = list(part.values())
    for one in part if isinstance(part, list) else ():
        known = _referred(one, definitions, known)
    return known


def _fits(row: Sequence[str], path: KeyPath) -> bool:
    return len(row) >= len(path) and all(
        step == written or step.startswith("<") or (step == "[]" and isinstance(written, int))
        for step, written in zip(row, path, strict=False)
    )


@dataclass(frozen=True)
class _Walk:
    root: Mapping[str, Any]

    def inside(self, schema: Mapping[str, Any], step: str | int) -> Iterator[Mapping[str, Any]]:
        """What stands at a key or an index of an object or a list, in each of its variants."""
        schema = self._resolved(schema)
        for variant in schema.get("oneOf") or schema.get("anyOf") or ():
            yield from self.inside(variant, step)
        named = schema.get("additionalProperties")
        if isinstance(step, int):
            if "items" in schema:
                yield self._resolved(schema["items"])
            elif isinstance(named, Mapping):
                yield self._resolved(named)
        elif step in schema.get("properties", {}):
            yield self._resolved(schema["properties"][step])
        elif isinstance(named, Mapping):
            yield self._resolved(named)

    def below(self, schema: Mapping[str, Any], path: str, kind: str = "") -> Iterator[Key]:
        """The keys inside an object."""
        schema = self._resolved(schema)
        needed = schema.get("required", ())
        for name, one in schema.get("properties", {}).items():
            if not one.get("deprecated"):
                yield from self._key(one, f"{path}.{name}" if path else name, kind, name in needed)

    def _key(self, schema: Mapping[str, Any], path: str, kind: str, needed: bool) -> Iterator[Key]:
        whole = self._resolved(schema)
        if "properties" not in whole:
            default = json.dumps(whole["default"], ensure_ascii=False) if "default" in whole else ""
            yield Key(path, self._type(whole), default, whole.get("description", ""), needed, kind)
        else:
            yield from self.below(whole, path, kind)
        for inner, place in self._inside(whole, path):
            variants = inner.get("oneOf") or inner.get("anyOf") or (inner,)
            for variant in map(self._resolved, variants):
                own = (
                    variant.get("properties", {}).get("kind", {}).get("const", "")
                    if len(variants) > 1
                    else kind
                )
                yield from self.below(self._own(variant, place), place, own)

    def _inside(self, schema: Mapping[str, Any], path: str) -> Iterator[tuple[Mapping[str, Any], str]]:
        """What stands in an object with names of the operator, in a list, or instead of a text."""
        last = path.rpartition(".")[2]
        if isinstance(named := schema.get("additionalProperties"), Mapping):
            yield self._resolved(named), f"{path}.{_NAMES.get(last, '<name>')}"
        if "items" in schema:
            yield self._resolved(schema["items"]), f"{path}[]"
        if "oneOf" in schema or "anyOf" in schema:
            yield schema, path

    def _own(self, schema: Mapping[str, Any], path: str) -> Mapping[str, Any]:
        """A block without the keys that it shares with one that is told elsewhere."""
        properties = schema.get("properties", {})
        if path.endswith("accounts.<account>"):
            return {}
        if path == "agents.list[]":
            agents = self._resolved(self.root["properties"]["agents"])
            shared = self._resolved(agents["properties"]["defaults"])["properties"]
            return {
                **schema,
                "properties": {key: one for key, one in properties.items() if key not in shared},
            }
        return schema

    def _type(self, schema: Mapping[str, Any]) -> str:
        schema = self._resolved(schema)
        if "enum" in schema:
            return ", ".join(map(str, schema["enum"]))
        if "const" in schema:
            return str(schema["const"])
        variants = schema.get("oneOf") or schema.get("anyOf")
        if variants:
            return " or ".join(dict.fromkeys(map(self._type, variants)))
        if schema.get("pattern") == PATTERN:
            return "time, such as 15m"
        if schema.get("type") == "array":
            items = self._type(schema.get("items", {}))
            return "list of ids, names" if items == _SENDER else f"list of {items}"
        kind = _TYPES.get(str(schema.get("type")), "any")
        least, most = schema.get("minimum"), schema.get("maximum")
        if least is not None and most is not None:
            return f"{kind} {least}–{most}"
        return kind

    def _resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        """The schema that a reference leads to, with what stands beside the reference."""
        while "$ref" in schema:
            name = str(schema["$ref"]).rpartition("/")[2]
            beside = {key: value for key, value in schema.items() if key != "$ref"}
            schema = {**self.root["$defs"][name], **beside}
        return schema

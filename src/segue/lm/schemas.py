"""What servers are told about the object that is wanted."""

from __future__ import annotations

import copy
from typing import Any

from pydantic import BaseModel

__all__ = ["response_format", "strict_schema"]

# unknown to the strict mode of OpenAI's API, or once unknown; the reader checks all of it anyway
_LOOSE = ("minLength", "maxLength", "uniqueItems", "patternProperties", "propertyNames", "default", "title")


def response_format(schema: type[BaseModel]) -> dict[str, Any]:
    """The field ``response_format`` that has a server write only what fits; strict where the schema allows it."""
    strict = strict_schema(schema.model_json_schema())
    name = "".join(c if c.isascii() and c.isalnum() else "_" for c in schema.__name__)[:64] or "reply"
    told: dict[str, Any] = {"name": name, "schema": strict or schema.model_json_schema()}
    if strict is not None:
        told["strict"] = True
    return {"type": "json_schema", "json_schema": told}


def strict_schema(schema: dict[str, Any]) -> dict[str, Any] | None:
    """A JSON schema in the form that strict output wants; None where it has none.

    All fields are required, unknown ones forbidden, and limits that strict output does not know are left out. Objects
    with free names (``dict[str, int]``) have no such form.

    Source: https://platform.openai.com/docs/guides/structured-outputs#supported-schemas

    >>> strict_schema({"type": "object", "properties": {"a": {"type": "string", "maxLength": 3}}})["required"]
    ['a']
    """
    made = copy.deepcopy(schema)
    if made.get("type") != "object":
        return None
    return made if _make_strict(made) else None


def _make_strict(node: Any) -> bool:
    if isinstance(node, list):
        return all(_make_strict(each) for each in node)
    if not isinstance(node, dict):
        return True
    for name in _LOOSE:
        node.pop(name, None)
    if node.get("type") == "object":
        if node.get("additionalProperties") not in (None, False) or "properties" not in node:
            return False
        node["additionalProperties"] = False
        node["required"] = list(node["properties"])
    if "$ref" in node:  # nothing may stand beside a reference
        reference = node["$ref"]
        node.clear()
        node["$ref"] = reference
        return True
    parts = [
        *node.get("properties", {}).values(),
        *node.get("$defs", {}).values(),
        *(node[name] for name in ("items", "prefixItems", "anyOf", "oneOf", "allOf") if name in node),
    ]
    return all(_make_strict(each) for each in parts)

"""The schema of the configuration: defaults, messages on what violates it, and the table of its keys.

`workflow/schemas/config.schema.yaml` is the one source of the keys.
"""

import difflib
import os
from collections.abc import Iterator
from contextlib import suppress
from copy import deepcopy
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from spikegeometry.errors import InputError

SCHEMA_PATH = Path(__file__).resolve().parents[2] / "schemas" / "config.schema.yaml"
# YAML reads words such as no and on as truth values.
QUOTE = "Where a word or a number is meant as a name, put it in quotes."
_TRUTH = {"true": True, "True": True, "false": False, "False": False}


@cache
def read_schema() -> dict:
    """The schema with its references to `$defs` replaced by what they name. It is shared: nobody may change it."""
    # Every job reads it; libyaml does so ten times faster than Python.
    schema = yaml.load(SCHEMA_PATH.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    definitions = schema.pop("$defs")

    def resolve(node: Any) -> Any:
        if isinstance(node, list):
            return [resolve(item) for item in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            node = definitions[node["$ref"].removeprefix("#/$defs/")] | {k: v for k, v in node.items() if k != "$ref"}
        return {key: resolve(value) for key, value in node.items()}

    return resolve(schema)


@cache
def default_of(key: str) -> Any:
    """The default of a config key, its parts joined by dots."""
    node = read_schema()
    for part in key.split("."):
        node = node["properties"][part]
    return with_own_files(node["default"])


def with_own_files(value: Any) -> Any:
    """A value in which the paths of the workflow's own files, `resources/...`, lead to them from the working directory.

    Where the working directory has such a file itself, it is meant.
    """
    if isinstance(value, dict):
        return {key: with_own_files(item) for key, item in value.items()}
    if isinstance(value, list):
        return [with_own_files(item) for item in value]
    if isinstance(value, str) and value.startswith("resources/") and not os.path.exists(value):
        own = SCHEMA_PATH.parents[2] / value
        return os.path.relpath(own) if own.exists() else value
    return value


def with_defaults(value: Any, schema: dict) -> Any:
    """Fill the defaults of an object's keys, at every depth. A block with required keys is never made up."""
    if not isinstance(value, dict):
        return value
    for name, child in schema.get("properties", {}).items():
        if name not in value:
            if "default" in child:
                value[name] = deepcopy(child["default"])
            elif "properties" in child and "required" not in child:
                value[name] = {}
            else:
                continue
        value[name] = with_defaults(value[name], child)
    extra = schema.get("additionalProperties")
    if isinstance(extra, dict):
        for name in set(value) - set(schema.get("properties", {})):
            value[name] = with_defaults(value[name], extra)
    return value


def read_text(value: Any, schema: dict) -> Any:
    """Read text as the number or truth value that the schema asks for in its place, where it is one, and the reverse.

    `snakemake --config split='{test: 0.3}'` hands on text below the first level; YAML reads 1e-5 as text, 2021-06-01
    as a date, which no key has, and a class or a name 1 or 2022 as a number.

    Raises InputError for a name that is neither text nor a whole number nor a date.
    """
    if isinstance(value, dict):
        named = {_name(key): item for key, item in value.items()}
        if len(named) < len(value):
            raise InputError(f"A name stands twice in {_shown(value)}, as text and as a number.\n{QUOTE}")
        schema = next((one for one in schema.get("oneOf", []) if one["type"] == "object"), schema)
        extra = schema.get("additionalProperties") or {}
        return {key: read_text(item, schema.get("properties", {}).get(key, extra)) for key, item in named.items()}
    if isinstance(value, list):
        schema = next((one for one in schema.get("oneOf", []) if one["type"] == "array"), schema)
        return [read_text(item, schema.get("items", {})) for item in value]
    if _is_whole(value) and schema.get("type") in ("string", ["string", "null"]):
        return str(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str):
        for kind, read in (("boolean", _TRUTH.__getitem__), ("integer", int), ("number", float)):
            if schema.get("type") == kind:
                with suppress(KeyError, ValueError):
                    return read(value)
    return value


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _name(key: Any) -> str:
    """A key of a mapping as text."""
    if isinstance(key, str):
        return key
    if isinstance(key, date):
        return key.isoformat()
    if not _is_whole(key):
        raise InputError(f"A name in the configuration is read as {_shown(key)}, which is no text.\n{QUOTE}")
    return str(key)


def explain(error: jsonschema.ValidationError) -> str:
    """Two lines on one violation of the schema."""
    path = list(error.absolute_path)
    key = ".".join(map(str, path))
    if error.validator == "additionalProperties":
        known = sorted(error.schema["properties"])
        name = next(name for name in error.instance if name not in error.schema["properties"])
        close = difflib.get_close_matches(str(name), known, n=1)
        hint = f" Did you mean {close[0]}?" if close else ""
        return (
            f"Config key {'.'.join([*map(str, path), str(name)])} is unknown.{hint}\nAllowed here: {', '.join(known)}."
        )
    if error.validator == "required":
        missing = next(name for name in error.validator_value if name not in error.instance)
        below = error.schema["properties"][missing]
        return f"Config key {'.'.join([*map(str, path), missing])} is missing.\n{below['description']}"
    if error.validator in ("propertyNames", "pattern", "not"):
        return f"Config key {key}: {error.instance!r} is not allowed as a name.\nIt must match {_pattern(error)}."
    if error.validator == "uniqueItems":
        return f"Config key {key}: an entry is listed twice in {_shown(error.instance)}.\nList each once."
    quote = f" {QUOTE}" if isinstance(error.instance, bool) and "string" in error.schema.get("type", []) else ""
    return f"Config key {key}: {_shown(error.instance)} is not allowed.\nAllowed: {_allowed(error.schema)}.{quote}"


def key_table(schema: dict) -> str:
    """Markdown table of all keys: description, allowed values and default."""
    rows = ["| key | what it is | allowed | default |", "| --- | --- | --- | --- |"]
    for key, node in _leaves(schema, ""):
        default = f"`{_shown(node['default'])}`" if "default" in node else "required"
        cells = (f"`{key}`", node["description"], _allowed(node), default)
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows) + "\n"


def _leaves(node: dict, prefix: str) -> Iterator[tuple[str, dict]]:
    for name, child in node["properties"].items():
        key = f"{prefix}{name}"
        if "keys_of" in child:
            yield key, child | {"description": f"{child['description']} Its keys are those of `{child['keys_of']}`."}
        elif "properties" in child:
            yield from _leaves(child, f"{key}.")
        else:
            yield key, child
            if isinstance(child.get("additionalProperties"), dict) and "properties" in child["additionalProperties"]:
                yield (
                    f"{key}.NAME",
                    {"type": "object", "description": "A set; its keys are those of `source`.", "default": {}},
                )


def _allowed(node: dict) -> str:
    """What a key may hold, in words."""
    if "enum" in node:
        return "one of " + ", ".join(map(str, node["enum"]))
    if "oneOf" in node:
        return " or ".join(_allowed(option) for option in node["oneOf"])
    kinds = node.get("type", "any")
    kind = " or ".join(["nothing" if k == "null" else k for k in ([kinds] if isinstance(kinds, str) else kinds)])
    if kind == "array":
        kind = f"list of {_allowed(node['items'])}"
    bounds = {
        "minimum": "at least {}",
        "exclusiveMinimum": "more than {}",
        "maximum": "at most {}",
        "exclusiveMaximum": "less than {}",
        "minItems": "with at least {} entries",
        "pattern": "matching `{}`",
    }
    return ", ".join([kind, *(text.format(node[bound]) for bound, text in bounds.items() if bound in node)])


def _pattern(error: jsonschema.ValidationError) -> str:
    if error.validator == "not":
        return f"anything but {', '.join(error.validator_value['enum'])}"
    return error.validator_value if isinstance(error.validator_value, str) else error.validator_value["pattern"]


def _shown(value: Any) -> str:
    return yaml.safe_dump(value, default_flow_style=True, width=10_000).removesuffix("\n").removesuffix("\n...")


if __name__ == "__main__":
    print(key_table(read_schema()), end="")

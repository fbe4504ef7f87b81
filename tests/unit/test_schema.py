"""The schema of the configuration describes every key, and its defaults obey it."""

from collections.abc import Iterator

import jsonschema

from spikegeometry.schema import read_schema

SCHEMA = read_schema()


def keys(schema: dict, path: str = "") -> Iterator[tuple[str, dict, bool]]:
    """Each key with its path and schema, and whether it must be given."""
    for name, child in schema.get("properties", {}).items():
        yield f"{path}{name}", child, name in schema.get("required", [])
        yield from keys(child, f"{path}{name}.")
    if isinstance(schema.get("additionalProperties"), dict):
        yield from keys(schema["additionalProperties"], f"{path}*.")


def objects(node: object) -> Iterator[dict]:
    """Every part of the schema that lists the keys of an object."""
    if isinstance(node, dict):
        if isinstance(node.get("properties"), dict):
            yield node
        for child in node.values():
            yield from objects(child)


KEYS = list(keys(SCHEMA))
VALUES = [(path, schema, required) for path, schema, required in KEYS if "properties" not in schema]


def test_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_every_key_is_described_in_a_sentence():
    for path, schema, _ in KEYS:
        assert schema.get("description", "").endswith("."), path


def test_every_value_is_required_or_has_a_default_that_is_allowed():
    for path, schema, required in VALUES:
        assert required != ("default" in schema), path
        if not required:
            jsonschema.validate(schema["default"], schema)


def test_every_number_has_a_lower_bound():
    for path, schema, _ in VALUES:
        if schema.get("type") in ("integer", "number"):
            assert {"minimum", "exclusiveMinimum"} & schema.keys(), path


def test_unknown_keys_are_refused_at_every_level():
    assert all(part.get("additionalProperties") is False for part in objects(SCHEMA))

"""Schemas in their short form, what they say in JSON Schema, and documents that fit or do not."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft7Validator
from pynats_cli.errors import CliError
from pynats_cli.reference.schemas import catalog
from pynats_cli.reference.schemas.notation import Expansion

API = "io.nats.jetstream.api.v1."
TYPES = {"point": {"x": "int", "y?": "int"}, "error": {"code": "300..699"}}


def expand(form: Any) -> dict[str, Any]:
    return Expansion("io.example", TYPES).of(form)


def fits(form: Any, document: Any) -> bool:
    return bool(Draft7Validator(expand(form)).is_valid(document))


def test_all_of_them_are_schemas() -> None:
    names = catalog.identifiers()
    assert len(names) == 91 and names == sorted(set(names))
    for name in names:
        found = catalog.schema(name)
        Draft7Validator.check_schema(found)
        assert found["title"] == name and found["type"] == "object"


@pytest.mark.parametrize(
    ("form", "good", "bad"),
    [
        ("uint16", 65_535, 65_536),
        ("0..5", 5, 6),
        ("limit", -1, -2),
        ("name", "ORDERS", "a.b"),
        ("maybe_name", "", ">"),
        ("file|memory", "file", "tape"),
        ("|async", "", "sync"),
        ("@id", "io.example", "io.other"),
        (["int"], [1, 2], [1, "2"]),
        ({"a": "int", "b?": "int"}, {"a": 1, "new": 2}, {"b": 1}),
        ({"@each": "bool"}, {"x": True}, {"x": 1}),
        ({"@null": ["int"]}, None, 1),
        ({"@enum": [200, 400]}, 400, 401),
        ("$point", {"x": 1}, {"y": 1}),
        ({"z": "int", "@with": ["point"]}, {"x": 1, "z": 1}, {"z": 1}),
        ({"@answer": True, "ok": "bool"}, {"ok": True}, {"ok": "true"}),
        ({"@answer": True, "ok": "bool"}, {"error": {"code": 400}}, {"error": {"code": 1}}),
        ({"@needs": {"p": {"at": "time"}}, "p": "string", "time?": "int"},
         {"p": "at", "time": 1}, {"p": "at"}),
    ],
)  # fmt: skip
def test_forms(form: Any, good: Any, bad: Any) -> None:
    assert fits(form, good) and not fits(form, bad)


def test_problems_name_the_place() -> None:
    kind = f"{API}stream_info_response"
    assert catalog.problems("io.nats.micro.v1.ping_response", {"name": "x"}) == [
        "missing properties: 'type', 'id', 'version'"
    ]
    found = catalog.problems(kind, {"type": kind, "created": "yesterday", "config": {}})
    assert "missing properties: 'config', 'state', 'created'" not in found
    assert '/created: "yesterday" is not valid "date-time"' in found
    assert any(line.startswith("/config: missing properties: 'retention'") for line in found)
    assert catalog.problems(kind, {"type": kind, "error": {"code": "x"}}) == [
        "/error/code: expected integer, but got string"
    ]
    assert catalog.problems(kind, []) == ["expected object, but got array"]


def test_documents_that_fit() -> None:
    config = {
        "name": "T", "retention": "limits", "max_consumers": -1, "max_msgs": -1, "max_bytes": -1,
        "max_age": 0, "storage": "file", "num_replicas": 1, "new_in_a_later_server": True,
    }  # fmt: skip
    assert catalog.problems(f"{API}stream_configuration", config) == []
    kind = f"{API}stream_names_response"
    page = {"type": kind, "total": 0, "offset": 0, "limit": 1_024}
    assert catalog.problems(kind, {**page, "streams": None}) == []
    assert catalog.problems(kind, {**page, "streams": ["A"]}) == []
    assert catalog.problems(kind, {**page, "streams": [1]}) == [
        "/streams/0: expected string, but got number"
    ]


def test_unknown_names_are_suggested() -> None:
    with pytest.raises(CliError, match=r'did you mean "io\.nats\.micro\.v1\.ping_response"'):
        catalog.schema("io.nats.micro.v1.ping_respons")

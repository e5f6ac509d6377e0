"""Conditions and projections of `stream query`."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_cli.errors import CliError
from pynats_cli.expressions import ExpressionError, compile_expression
from pynats_cli.jetstream.query.closures import NAMES, Fields, compiled
from pynats_cli.jetstream.query.conditions import Conditions, Projection
from pynats_cli.jetstream.query.records import Record

ORDER = {"order": {"id": "a-1", "total": 120.5, "items": [{"sku": "x"}, {"sku": "y"}]}, "ok": True}


def record(body: object = ORDER, head: bytes = b"", subject: bytes = b"orders.new") -> Record:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Record(42, subject, 1767323045_600_000_000, head, data)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("data.order.total > 100", True),
        ("data.order.total > 100 and data.ok", True),
        ("data.order.total > 100 and not data.ok", False),
        ('data.order.id == "a-1"', True),
        ('data.order.id startsWith "b"', False),
        ('any(data.order.items, .sku == "y")', True),
        ('subject == "orders.new" && sequence >= 42', True),
        ('time > "2026-01-01T00:00:00Z"', True),
        ("size < 10", False),
        ('headers.Kind == "new"', True),
        ('data["order"]["total"] in 1..2', False),
    ],
)
def test_expressions(text: str, holds: bool) -> None:
    conditions = Conditions()
    conditions.where(text)
    assert conditions.hold(record(head=b"NATS/1.0\r\nKind: new\r\n\r\n")) is holds
    assert not conditions.failed


def test_a_message_without_the_value_is_no_hit_and_is_counted() -> None:
    conditions = Conditions()
    conditions.where("data.order.total > 100")
    assert not conditions.hold(record({"order": {"total": "many"}}))
    assert not conditions.hold(record(b"no json"))
    assert conditions.failed == 2
    assert "sequence 42" in conditions.failure


def test_an_expression_that_cannot_be_read_is_an_error_at_once() -> None:
    with pytest.raises(ExpressionError, match="invalid expression"):
        Conditions().where("data.order >")
    with pytest.raises(ExpressionError, match="unknown name order"):
        Conditions().where("order.total > 1")


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("Kind", True), ("kind", True), ("Other", False), ("Kind=new", True), ("Kind=ne", False),
        ("Kind=second", True), ("Kind!=new", False), ("Kind!=x", True), ("Kind~^n.w$", True),
        ("Kind~^x", False), ("Url=a=b", True),
    ],
)  # fmt: skip
def test_headers(text: str, holds: bool) -> None:
    head = b"NATS/1.0\r\nKind: new\r\nKind: second\r\nUrl: a=b\r\n\r\n"
    conditions = Conditions()
    conditions.header(text)
    assert conditions.hold(record(head=head)) is holds


def test_bodies() -> None:
    conditions = Conditions()
    conditions.match(r'"id": "a-\d"')
    assert conditions.hold(record())
    assert not conditions.hold(record(b"x"))
    with pytest.raises(CliError, match="invalid regular expression"):
        conditions.match("(")


def test_projection() -> None:
    projection = Projection(["sequence, data.order.id", 'max(1, 2),data.nope, headers["A,b"]'])
    assert projection.names == [
        "sequence", "data.order.id", "max(1, 2)", "data.nope", 'headers["A,b"]',
    ]  # fmt: skip
    assert projection.values(record()) == [42, "a-1", 2, None, None]


VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from([1.5, "a", "b", ""])),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)
PATHS = st.sampled_from(["data", "data.a", "data.b", "data.a.b", "data.a?.c", 'data["c"]'])
ATOMS = st.one_of(
    PATHS, st.sampled_from(["1", "2.5", '"a"', "true", "nil", "sequence", "size", "subject"])
)
COMPARED = st.builds(
    "{} {} {}".format, ATOMS, st.sampled_from(["==", "!=", "<", ">", "<=", ">="]), ATOMS
)
EXPRESSIONS = st.recursive(
    COMPARED,
    lambda inner: st.builds("({} {} {})".format, inner, st.sampled_from(["and", "or"]), inner),
    max_leaves=4,
)


@given(EXPRESSIONS, VALUES)
def test_functions_say_what_the_language_says(text: str, body: Any) -> None:
    """`closures` must never differ from the walk over the tree, errors included."""
    asked = record(body)

    def outcome(run: Any) -> object:
        try:
            found = run()
        except ExpressionError as error:
            return str(error)
        return (type(found), found)

    expression = compile_expression(text, NAMES)
    assert outcome(lambda: compiled(text)(asked)) == outcome(
        lambda: expression.value(Fields(asked))
    )

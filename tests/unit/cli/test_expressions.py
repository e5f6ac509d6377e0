"""The expression language of filters. What each gives was asked of `nats stream find`."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_cli.expressions import Duration, ExpressionError, Instant, compile_expression

SECOND = 10**9
DATA = {
    "config": {
        "name": "S1", "subjects": ["s1.a", "s1.b"], "max_msgs": 100, "mirror": None,
        "max_age": Duration(3600 * SECOND), "metadata": {"a": "b"}, "retention": "limits",
        "max_msgs_per_subject": 5,
    },
    "state": {"messages": 7, "last_ts": Instant(1000 * SECOND)},
    "list": [{"Name": "x", "n": 1}, {"Name": "y", "n": 3}],
}  # fmt: skip
ALIASES = {"maxmsgsper": "maxmsgspersubject"}


def value(text: str) -> object:
    return compile_expression(text, DATA, ALIASES).value(DATA)


@pytest.mark.parametrize(
    "text",
    [
        'config.name == "S1"', "config.name == 'S1'", "config.name == `S1`",
        'config["name"] == "S1"',
        'not (config.name == "S2")', '!(config.name == "S2") && true || false',
        'config.name startsWith "S"', 'config.name endsWith "1"', 'config.name contains "S1"',
        'config.name matches "^S[12]$"', 'config.name not matches "^x"', 'config.Name == "S1"',
        "config.MaxMsgs == 100", "config.MaxMsgsPer == 5", "config.bogus == nil",
        'config.name in ["S1", "S3"]', 'config.name not in ["S2"]', 'not ("S9" in config.subjects)',
        '"a" in config.metadata', "len(config.subjects) == 2", 'config.subjects[-1] == "s1.b"',
        'config.mirror?.name != "x"', '(config.mirror ?? config).name == "S1"',
        'any(config.subjects, # contains "b")', 'all(config.subjects, {# startsWith "s1."})',
        'none(config.subjects, # == "q")', 'one(list, .n > 2)', 'count(list, {.name != "x"}) == 1',
        'len(filter(list, .n > 2)) == 1', 'map(list, .n) == [1, 3]', 'list[1:][0].n == 3',
        "2 ** 3 == 8", "2 ^ 3 ** 1 == 8", "7 / 2 == 3.5", "7 % 2 == 1", "-7 % 3 == -1",
        "1 + 2 * 3 == 7",
        "(1 + 2) * 3 == 9", "1_000 == 0x3e8", "1.5e1 == 15", "state.messages > 5 ? true : false",
        'lower(config.name) == "s1"', 'config.name | lower() == "s1"', '"a" + "b" == "ab"',
        'config.max_age == "1h0m0s"', "config.max_age > duration('1m')", "config.max_age == 3600e9",
        "state.last_ts < now() - duration('1d')", 'state.last_ts == "1970-01-01T00:16:40Z"',
        "now() - state.last_ts > duration('1h')", "3 in 1..5",
        'min(3, 1, 2) == 1 and max([1, 4]) == 4',
        "{a: 1}.a == 1", 'string(5) == "5"', "int('5') == 5", "config.name != 5",
        'config.name // note\n == "S1"',
    ],
)  # fmt: skip
def test_what_holds(text: str) -> None:
    assert value(text) is True


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("state.messages + 1 >", "unexpected token EOF (1:21)"),
        ("zork.x == 1", "unknown name zork (known are config, list, state) (1:1)"),
        ('not config.name == "S1"', "invalid operation: not string (1:1)"),
        ("config.bogus > 5", "invalid operation: <nil> > int (1:14)"),
        ('state.messages > "a"', "invalid operation: int > string (1:16)"),
        ('config.mirror.name == "x"', "cannot fetch name from <nil> (1:15)"),
        ('config.name == "S1" @ 1', "unrecognized character: U+0040 '@' (1:21)"),
        ('config.name matches "["', "error parsing regexp"),
        ('config.name == "S1', "literal not terminated (1:19)"),
        ("foo(1)", "unknown function foo (1:1)"),
        ("len()", "wrong number of arguments of len (1:1)"),
        ("len(5)", "invalid argument for len (type int) (1:1)"),
        ('"a" + 1 == 2', "invalid operation: string + int (1:5)"),
        ("(1 == 1", "unexpected token EOF"),
        ("1 == 1 2", 'unexpected token "2" (1:8)'),
        ("# == 1", 'unexpected token "#" (1:1)'),
        ("1 % 0 == 1", "division by zero"),
        ("10.0 ** 1000 > 1", "math range error"),
        ("len(1..100000000) > 1", "a range of more than"),
        ("len(map(1..1000, {1..100000})) > 1", "computes more than 1000000 elements"),
        ("all(1..2000, {all(1..2000, {true})})", "computes more than 1000000 elements"),
        ("config.subjects[5] == 1", "index out of range: 5 of 2"),
        ("duration('5x') > 1", "duration: "),
        ("1" + " + 1" * 2000 + " > 1", "nested too deep"),
        ("(" * 500 + "1" + ")" * 500, "nested deeper than 100"),
        ("1" * 20_000, "longer than 10000 characters"),
        ("", "unexpected token EOF (1:1)"),
    ],
)
def test_faults_say_what_and_where(text: str, fault: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        value(text)
    assert fault in str(caught.value)


def test_only_true_and_false_match() -> None:
    with pytest.raises(ExpressionError, match="must be true or false, but it is of type int"):
        compile_expression("state.messages", DATA).matches(DATA)
    assert compile_expression("state.messages == 7", DATA).matches(DATA)


@pytest.mark.parametrize(
    "text", ["config.__class__ == nil", "config.name.upper", "config['__init__'] == nil"]
)
def test_nothing_of_python_is_reachable(text: str) -> None:
    try:
        assert value(text) is True
    except ExpressionError as error:
        assert "cannot fetch" in str(error)


@given(st.text(alphabet="abc.()[]{}#|!&=<>+-*/%^?:,'\"` 019\n_", max_size=40))
def test_any_text_is_a_value_or_a_fault(text: str) -> None:
    try:
        compile_expression(text, ("a", "b", "c")).value({"a": 1, "b": "x", "c": [1, {"a": None}]})
    except ExpressionError:
        pass


@given(
    st.integers(-1000, 1000), st.integers(-1000, 1000), st.integers(-1000, 1000),
    st.sampled_from(["+", "-", "*"]), st.sampled_from(["+", "-", "*"]),
)  # fmt: skip
def test_arithmetic_is_that_of_whole_numbers(a: int, b: int, c: int, x: str, y: str) -> None:
    text = f"a {x} b {y} c"
    data = {"a": a, "b": b, "c": c}
    assert compile_expression(text, data).value(data) == eval(text, {}, data)

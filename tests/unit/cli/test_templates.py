"""The template language against texts that Go's text/template documents."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_cli.errors import CliError
from pynats_cli.template import messages
from pynats_cli.template.errors import TemplateError
from pynats_cli.template.language import render

DATA = {"Name": "Ann", "N": 3, "List": ["a", "b"], "Map": {"k": "v", "j": 1}, "Empty": "", "F": 1.5}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("plain", "plain"),
        ("{{.Name}} {{ .N }}", "Ann 3"),
        ("{{.Map.k}}{{.None}}", "v<no value>"),
        ('{{"q\\"\\n"}}{{`raw\\n`}}', 'q"\nraw\\n'),
        ("{{1}} {{-2}} {{0x10}} {{1.5}} {{true}} {{007}}", "1 -2 16 1.5 true 7"),
        ("a {{- 1 -}} b", "a1b"),
        ("a{{/* note */}}b", "ab"),
        ("{{if .Empty}}x{{else if eq .N 3}}y{{else}}z{{end}}", "y"),
        ("{{if and .Name (gt .N 2)}}yes{{end}}", "yes"),
        ("{{with .Map}}{{.k}}{{else}}none{{end}}", "v"),
        ("{{with .Empty}}x{{else}}none{{end}}", "none"),
        ("{{range .List}}<{{.}}>{{end}}", "<a><b>"),
        ("{{range $i, $e := .List}}{{$i}}={{$e}},{{end}}", "0=a,1=b,"),
        ("{{range $k, $v := .Map}}{{$k}}{{$v}}{{end}}", "j1kv"),
        ("{{range 3}}{{.}}{{end}}", "012"),
        ("{{range .Empty2}}x{{else}}none{{end}}", "none"),
        (
            "{{range 5}}{{if eq . 1}}{{continue}}{{end}}{{if eq . 3}}{{break}}{{end}}{{.}}{{end}}",
            "02",
        ),
        ("{{$x := 1}}{{if true}}{{$x = 2}}{{end}}{{$x}}", "2"),
        ("{{$x := 1}}{{if true}}{{$x := 2}}{{end}}{{$x}}", "1"),
        ("{{range .List}}{{$.Name}}{{end}}", "AnnAnn"),
        (
            '{{printf "%05d|%-5s|%5s|%q|%.2f|%x|%v|%%" 42 "ab" "c" "d" 1.5 255 .List}}',
            '00042|ab   |    c|"d"|1.50|ff|[a b]|%',
        ),
        ('{{printf "%q" "a\\x01\\v\\U0001f40d"}}', '"a\\x01\\v🐍"'),
        ('{{printf "%d %s" 1}}', "1 %!s(MISSING)"),
        ('{{.N | printf "%03d"}}', "003"),
        ('{{"a" | printf "%s-%s" "b" | len}}', "3"),
        ("{{len .List}} {{index .List 1}} {{index .Map `k`}} {{slice `hello` 1 3}}", "2 b v el"),
        (
            "{{eq 1 2 1}} {{ne 1 2}} {{lt 1 2}} {{le 2 2}} {{not 0}} {{or 0 5}} {{and 1 0}}",
            "true true true true true 5 0",
        ),
        ("{{print 1 2 `a` 3}}|{{println 1}}", "1 2a3|1\n"),
        ("{{.List}} {{.Map}}", "[a b] map[j:1 k:v]"),
        ("{{html `<a>`}} {{urlquery `a b`}}", "&lt;a&gt; a+b"),
        ("{{(index .List 0) | printf `%s!`}}", "a!"),
    ],
)
def test_templates(template: str, text: str) -> None:
    assert render(template, {}, DATA) == text


@pytest.mark.parametrize(
    "template",
    [
        "{{", "{{}}", "{{.a", "{{end}}", "{{if 1}}", "{{else}}", "{{nope}}", "{{range 1}}x",
        "{{1 2}}",
        "{{(1}}", "{{$x}}", '{{"a}}', "{{template `x`}}", "{{index 1 2}}", "{{len 1}}", "{{break}}",
        "{{lt 1 `a`}}", "{{range `abc`}}{{end}}", "{{1 | 2}}", "{{.Name.x}}",
        '{{printf "%99999999d" 1}}',
        "{{" + "(" * 300 + "1" + ")" * 300 + "}}", "{{if 1}}" * 500 + "{{end}}" * 500,
        "{{Count 1}}",
    ],
)  # fmt: skip
def test_bad_templates_are_template_errors(template: str) -> None:
    with pytest.raises(TemplateError):
        render(template, {"Count": lambda: 1}, DATA)


@given(st.text(alphabet='{}.$|()"`ifend rangeNm1 :=-', max_size=60))
def test_any_text_renders_or_is_a_template_error(text: str) -> None:
    try:
        rendered = render("{{" + text, {}, DATA)
    except TemplateError:
        return
    # What stands around a template stays as it is.
    assert render("< {{``}}{{" + text + "{{``}} >", {}, DATA) == f"< {rendered} >"


def test_private_attributes_are_out_of_reach() -> None:
    with pytest.raises(TemplateError):
        render("{{.__class__}}", {}, object())


@pytest.mark.parametrize(
    ("template", "pattern"),
    [
        ("{{Count}} {{.Count}} {{Cnt}} {{.Cnt}}", "7 7 7 7"),
        ("{{Unix}} {{.Unix}}", r"\d{10} \d{10}"),
        ("{{UnixNano}}", r"\d{19}"),
        ("{{Time}}", r"\d{1,2}:\d\d[AP]M"),
        ("{{TimeStamp}}", r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)"),
        ("{{ID}}{{.ID}}", r"[0-9A-Za-z]{44}"),
        ("{{ Random 5 10 }}", r"[0-9A-Za-z]{5,10}"),
        ("{{Random 10 5}}", r"[0-9A-Za-z]{5,10}"),
        ("{{Request}} {{.Request}}", "ask ask"),
    ],
)
def test_message_functions(template: str, pattern: str) -> None:
    assert re.fullmatch(pattern, messages.expand(template, 7, "ask"))


def test_request_exists_only_in_replies() -> None:
    with pytest.raises(TemplateError, match="Request"):
        messages.expand("{{Request}}", 1)


def test_headers_are_parsed_and_expanded() -> None:
    found = messages.parse_headers(["A:1", " B : x:{{Count}} ", "A:2", "C:"], 3)
    assert found == [("A", "1"), ("B", "x:3"), ("A", "2"), ("C", "")]
    for bad in ("none", ":x", "A\r\nB:x", "A\nB:x"):
        with pytest.raises(CliError, match="invalid header"):
            messages.parse_headers([bad], 1)
    one_line = messages.parse_headers(["A: b\r\nC: d", 'B:{{"x" | printf "%s\\n\\n"}}'], 1)
    assert one_line == [("A", "b  C: d"), ("B", "x  ")]
    with pytest.raises(CliError, match="Header template"):
        messages.parse_headers(["A:{{x"], 1)


# What Go's text/template says of them, with the data that the tool gives it.
GO_TEXTS = [
    ("{{.}}", "{3 3 1700000000 1700000000000000000 TS 3:04PM req}"),
    ("{{print .}}", "&{3 3 1700000000 1700000000000000000 TS 3:04PM req}"),
    (
        '{{printf "%+v" .}}',
        "&{Cnt:3 Count:3 Unix:1700000000 UnixNano:1700000000000000000 TimeStamp:TS Time:3:04PM "
        "Request:req}",
    ),
    ('{{print nil}} {{printf "%v %d" nil nil}}', "<nil> <nil> %!d(<nil>)"),
    ("{{and 1 nil}} {{html nil}} {{js nil}}", "<no value> &lt;no value&gt; \\u003Cno value\\u003E"),
    ("{{eq 1 1}} {{eq 1.0 1.0}} {{eq 'a' 97}} {{eq 1 2 1}} {{eq .Count .Unix}}",
     "true true true true false"),
    ("{{'a'}} {{'\\n'}} {{0b11}} {{0o17}} {{017}} {{1_000}} {{0x1p4}} {{1e3}}",
     "97 10 3 15 15 1000 16 1000"),
    ('{{printf "%q %U %#o %c" 65 65 8 65}}', "'A' U+0041 010 A"),
    ('{{printf "%*d|%-*d|%[2]d %[1]d" 5 3}}', "    3|%!(BADWIDTH)%!d(MISSING)|3 5"),
    ('{{printf "%"}}{{printf "% x" "ab"}}', "%!(NOVERB)61 62"),
    ('{{html "<a>&\'\\""}}', "&lt;a&gt;&amp;&#39;&#34;"),
    ('{{js "a\'b\\"<>&=\\n"}}', "a\\'b\\\"\\u003C\\u003E\\u0026\\u003D\\u000A"),
    ('{{"a}}b"}}{{`}}`}}{{/* }} */}}', "a}}b}}"),
    ('{{printf "%T %T" .Unix .Count}}', "int64 int"),
    ("{{print (print 1) .Time}}", "13:04PM"),
    ("{{$x := 0}}{{range $x = 3}}{{$x}}{{end}}{{$x}}", "0122"),
]  # fmt: skip
GO_ERRORS = [
    "{{nil}}", "{{(nil)}}", "{{nil | print}}", "{{if nil}}x{{end}}", "{{range nil}}{{end}}",
    "{{$x := nil}}", "{{eq 1 1.0}}", "{{lt 1 1.5}}", "{{eq true 1}}", "{{lt true false}}",
    "{{eq . 1}}", "{{eq .Count 3.0}}", "{{08}}", "{{9223372036854775808}}", "{{and}}", "{{or}}",
    "{{and 0 nosuch}}", "{{print(1)}}", '{{print"a"}}', '{{printf "%d"1}}', "{{ /* c */ }}",
    '{{slice "abc" 1 2 3}}', "{{range $i, $e := 3}}{{end}}", "{{range $a = 3}}{{end}}", "{{''}}",
    '{{Random "a" 2}}', "{{Random 1.5 2}}", "{{Random .Unix 2}}", "{{Random nil 1}}", '{{"a}}',
]  # fmt: skip


@pytest.fixture
def fixed_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages.time, "time_ns", lambda: 1_700_000_000_000_000_000)
    monkeypatch.setattr(messages, "format_time_in", lambda *_: "TS")
    monkeypatch.setattr(messages, "kitchen_time", lambda *_: "3:04PM")


@pytest.mark.parametrize(("template", "text"), GO_TEXTS, ids=[row[0] for row in GO_TEXTS])
def test_odd_templates_say_what_they_say_in_go(template: str, text: str, fixed_data: None) -> None:
    assert messages.expand(template, 3, "req") == text


@pytest.mark.parametrize("template", GO_ERRORS)
def test_templates_that_go_refuses_are_refused(template: str, fixed_data: None) -> None:
    with pytest.raises(TemplateError):
        messages.expand(template, 3, "req")

"""Exports, one by one and together: what is accepted, and what is said of the others."""

from __future__ import annotations

from tests.conformance.accounts.configurations.texts import accounts, exporting, in_account, listed

_ITEMS = [
    "{}", '"a"', "{foo: bar}", "[]", "[{stream: a}]", "true", "5 ",
    # Subjects
    "{stream: 1}", "{stream: [a]}", '{stream: ""}', '{stream: "a..b"}', '{stream: "a b"}',
    "{stream: true}", "{stream: {account: A, subject: a}}", '{stream: "a.>.b"}', '{stream: ".a"}',
    '{stream: "a."}', '{stream: ">"}', '{stream: "*"}', '{stream: "$SYS.>"}', "{Stream: a}",
    "{service: 1}", "{service: []}", '{service: ""}', '{service: "a..b"}', '{service: "a b"}',
    '{service: ">"}', '{service: "*"}', '{service: "$JS.API.>"}', "{SERVICE: a}",
    '{service: "_R_.>"}', '{stream: "_INBOX.>"}', '{service: "a.>.b"}',
    # Other keys
    "{stream: a, foo: bar}", "{service: a, foo: bar}", "{stream: a, prefix: b}",
    "{stream: a, to: b}", "{service: a, to: b}", "{service: a, share: true}",
    "{stream: a, share: true}", "{stream: a, service: b}", "{service: b, stream: a}",
    "{service: a, service: b}", "{v: a, stream: $v}", "{v: a, stream: b}",
    # Accounts
    "{stream: a, accounts: [A]}", "{stream: a, accounts: [B]}", "{stream: a, accounts: []}",
    "{stream: a, accounts: [B, B]}", "{stream: a, accounts: [NOPE]}", "{service: a, accounts: B}",
    "{service: a, accounts: [NOPE]}", "{service: a, accounts: [B, NOPE]}",
    "{service: a, accounts: 1}", "{service: a, accounts: []}", "{service: a, accounts: [A]}",
    "{service: a, accounts: [B]}", '{service: a, accounts: [""]}', '{service: a, accounts: ["$G"]}',
    '{service: a, accounts: ["$SYS"]}', "{service: a, accounts: {B: 1}}",
    "{service: a, accounts: [[B]]}", "{accounts: [B]}", "{accounts: [NOPE]}",
    "{stream: a, accounts: [1, B]}", "{service: a, accounts: [true]}",
    "{service: a, Accounts: [B]}",
    # Responses
    *(f"{{service: a, response: {kind}}}" for kind in (
        "single", "singleton", "stream", "chunk", "chunked", "Stream", "SINGLETON", "Chunked",
        "multi", "streamed", "streams", '""', "1", "true", "[]", '" stream"',
    )),
    "{service: a, response_type: chunked}", "{service: a, response_type: none}",
    "{service: a, Response: stream}", "{service: a, response: stream, response_type: chunked}",
    "{response: stream}", "{response: stream, service: a}", "{response: stream, stream: a}",
    "{stream: a, response: stream}", "{stream: a, response: singleton}",
    "{stream: a, response_type: nope}",
    # Thresholds
    *(f"{{service: a, threshold: {time}}}" for time in (
        '"1s"', '"0s"', '"-1s"', '"500ms"', '"1h30m"', '"1d"', '"1"', '""', '"x"', "5", "1.5",
        "true", "[]", '"1us"', '"1µs"', '"1 s"', '"9223372036s"', '"9223372037s"', '"+1s"', '".5s"',
    )),
    '{service: a, response_threshold: "1s"}', '{service: a, response_max_time: "1s"}',
    '{service: a, response_time: "1s"}', '{service: a, response_time: 1}',
    '{service: a, max_response_time: "1s"}', '{threshold: "1s", service: a}', '{threshold: "1s"}',
    '{stream: a, threshold: "1s"}', '{threshold: "1s", stream: a}', '{stream: a, response_time: 5}',
    *(f'{{service: a, response: {kind}, threshold: "1s"}}' for kind in (
        "singleton", "stream", "chunked", "nope",
    )),
    # Latency
    *(f"{{service: a, latency: {value}}}" for value in (
        "x", '"x.y"', '""', '"a..b"', '"a.*"', '">"', '"a b"', "1", "true", "[]", "1.5", "{}",
        "{subject: x}", "{sampling: 50}", "{sampling: 50, subject: x}",
        "{sampling: 50, subject: 1}",
        '{sampling: "50%", subject: x}', '{sampling: "50", subject: x}',
        '{sampling: " 50%", subject: x}', '{sampling: "50 %", subject: x}',
        '{sampling: "50%%", subject: x}', '{sampling: "", subject: x}',
        '{sampling: "%", subject: x}',
        "{sampling: headers, subject: x}", '{sampling: "HEADERS", subject: x}',
        '{sampling: "Headers ", subject: x}', '{sampling: "header", subject: x}',
        '{sampling: "x", subject: x}', "{sampling: true, subject: x}",
        "{sampling: 1.5, subject: x}",
        "{sampling: [], subject: x}", "{sampling: 0, subject: x}", "{sampling: 1, subject: x}",
        "{sampling: 100, subject: x}", "{sampling: 101, subject: x}", "{sampling: -1, subject: x}",
        '{sampling: "0%", subject: x}', '{sampling: "100%", subject: x}',
        '{sampling: "101%", subject: x}', '{sampling: "-1", subject: x}',
        '{sampling: "0x10", subject: x}', "{sampling: 50, subject: x, foo: 1}",
        "{SAMPLING: 50, Subject: x}", "{sampling: 0}", '{sampling: headers, subject: "a.*"}',
        '{sampling: headers, subject: ""}', "{sample: 50, subject: x}",
    )),
    "{stream: a, latency: x}", "{latency: x, stream: a}", "{latency: x}", "{latency: 1}",
    *(f"{{service: a, response: {kind}, latency: x}}" for kind in ("singleton", "stream",
    "chunked")),
    *(f"{{latency: x, response: {kind}, service: a}}" for kind in ("single", "stream", "chunk")),
    '{service: "a.*", latency: "a.x"}', '{service: a, latency: x, accounts: [B]}',
    '{service: a, latency: x, accounts: [NOPE]}',
    '{service: "a.*", latency: "..", account_token_position: 1}',
    # Traces
    *(f"{{service: a, allow_trace: {value}}}" for value in (
        "true", "false", "1", '"yes"', '"true"', "[]", "on",
    )),
    *(f"{{stream: a, allow_trace: {value}}}" for value in ("true", "false", "1")),
    "{allow_trace: true}", "{allow_trace: true, stream: a}", "{Allow_Trace: true, service: a}",
]  # fmt: skip
_TOKENS = [
    f'{{{kind}: "{subject}", account_token_position: {position}}}'
    for kind, subjects in (
        ("stream", ("a", "a.*", "*.a", "a.*.*", "a.*.>", ">", "a.>")),
        ("service", ("a", "a.*", "a.*.*", "*")),
    )
    for subject in subjects
    for position in (0, 1, 2, 3, 4)
] + [
    f'{{service: "a.*", account_token_position: {value}}}'
    for value in ('"2"', "true", "2.0", "[]", "9223372036854775807", "1k")
] + [
    '{stream: "a.*", account_token_position: 2, accounts: [B]}',
    '{stream: "a.*", account_token_position: 1, accounts: [B]}',
    '{stream: "a.*", account_token_position: 2, accounts: [NOPE]}',
    '{account_token_position: 1, stream: "*"}', "{account_token_position: 1}",
    '{stream: "", account_token_position: 1}', '{stream: "a..*", account_token_position: 3}',
]  # fmt: skip
_SEVERAL = [
    ("{service: a}", "{service: a}"),
    ("{stream: a}", "{stream: a}"),
    ("{service: a}", "{stream: a}"),
    ("{service: a, response: stream}", "{service: a, latency: x}"),
    ("{service: a, latency: x}", "{service: a, response: stream}"),
    ("{service: a, accounts: [B]}", "{service: a, accounts: [A]}"),
    ('{stream: "a.>"}', '{stream: "a.b"}', '{stream: "a.*"}'),
    ("{foo: 1}", "{bar: 2}"),
    ("{stream: 1}", "{service: b, response: x}", '{service: c, threshold: "x"}'),
    ("{stream: a}", '"b"', "{service: c, accounts: [NOPE]}"),
    ("{stream: a, latency: x}", "{stream: b, allow_trace: true}"),
    ("{service: a, share: 1, foo: 2}",),
    ('{stream: "a.*", account_token_position: 1}', '{stream: "b.*", account_token_position: 1}'),
    ("{stream: a, accounts: [NOPE]}", '{service: "b.*", account_token_position: 1}'),
    ('{stream: "a.*", account_token_position: 1}', "{service: b, accounts: [NOPE]}"),
    ('{service: "b.*", account_token_position: 1}', "{stream: a, accounts: [NOPE]}"),
    ('{service: "b", latency: ">"}', "{stream: a, accounts: [NOPE]}"),
]
_WHOLE = ["1", "{stream: a}", '"a"', "true", "[[{stream: a}]]", "{}", "[]", "[[]]"]
TEXTS = [
    *map(exporting, _ITEMS),
    *map(exporting, _TOKENS),
    *(exporting(*items) for items in _SEVERAL),
    *(in_account(f"exports: {value}") for value in _WHOLE),
    *(in_account(f"{key}: [{{stream: a}}]") for key in ("Exports", "EXPORTS", "export")),
    "\naccounts { A { exports [{stream: a}] msg_trace: x } }\n",
    "\naccounts { A { exports [{stream: a}] } B { } }\n",
    "\naccounts { A { exports [{stream: a}] }, B { } }\n",
    "\naccounts { A { exports [{stream: a}], msg_trace: x } }\n",
    "\naccounts {\n A { exports: [{stream: a}], exports: [{stream: b, accounts: [NOPE]}] }\n}\n",
    "\n\nport: 4222\naccounts { A { exports: [{stream: a, accounts: [NOPE]}] } }\n",
    accounts(A=listed("exports", "{service: a, accounts: [C, B]}"), B="", C=""),
]

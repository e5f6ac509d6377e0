"""Answers of ours that are not compared with the real server's one by one: it goes through maps in
random order, so it has several; or ours is another one on purpose."""

from __future__ import annotations

VARIES = {
    'A exports {service: a, threshold: "1s", response_time: 5}': (
        "a.conf:6:35: Duplicate response threshold detected"
    ),
    "A exports {stream: a, service: b}": (
        'a.conf:6:17: Detected service "b" but already saw a stream'
    ),
    "A exports {service: b, stream: a}": (
        'a.conf:6:18: Detected stream "a" but already saw a service'
    ),
    "A exports {service: a, response: stream, response_type: chunked}": (
        "a.conf:6:36: Duplicate response type definition"
    ),
    "A exports {stream: a, response_type: nope}": ('a.conf:6:17: Unknown response type: "nope"'),
    'A exports {stream: a, threshold: "1s"}': (
        "a.conf:6:17: Detected response directive on non-service"
    ),
    'A exports {threshold: "1s", stream: a}': (
        "a.conf:6:6: Detected response directive on non-service"
    ),
    'B imports {service: {account: A, subject: "q"}, allow_trace: 1}': (
        "a.conf:24:43: allow_trace must be true or false, got an integer"
    ),
    ('B imports {service: {account: A, subject: q}, stream: {account: A, subject: "ev.>"}}'): (
        "a.conf:24:41: Detected stream but already saw a service"
    ),
    ('B imports {stream: {account: A, subject: "ev.>"}, service: {account: A, subject: q}}'): (
        "a.conf:24:45: Detected service but already saw a stream"
    ),
    (
        "accounts { A { exports = [ {service: help} ] imports = [ {service: {account: "
        'B, subject: "help"}, to: h} ] } B { exports = [ {service: help} ] imports = [ '
        '{service: {account: A, subject: "help"}} ] } }'
    ): ('a.conf:2:1: Error adding service import "help": import forms a cycle'),
    'A has msg_trace: {dest: "a.*", sampling: 0}': (
        'a.conf:5:17: Trace destination "a.*" is not valid'
    ),
    ("accounts { A { users: [{user: a}], exports: [{stream: x}] }, B { users: [{user: a}] } }"): (
        'a.conf:2:66: Duplicate user "a" detected'
    ),
}
OURS = {
    # The real server names a string here, whatever it is.
    "A exports {service: a, latency: {sampling: 50, subject: 1}}": (
        "a.conf:6:42: Expected latency subject to be a string, got integer"
    ),
    # Subjects with blanks would break the protocol of whoever subscribes to them.
    'B imports {stream: {account: A, subject: "ev.>"}, prefix: "p q"}': (
        'a.conf:2:1: Error adding stream import "ev.>": blanks in its subject here, "p q.ev.>"'
    ),
    'B imports {stream: {account: A, subject: "ev.>"}, to: "x y.>"}': (
        'a.conf:2:1: Error adding stream import "ev.>": blanks in its subject here, "x y.>"'
    ),
    'B imports {stream: {account: A, subject: "one"}, to: "x y"}': (
        'a.conf:2:1: Error adding stream import "one": blanks in its subject here, "x y"'
    ),
    # Not the character with this number.
    "A has nkey: 1": ('a.conf:5:5: Not a valid public nkey for an account: "1"'),
}

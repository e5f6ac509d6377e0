"""Contexts."""
# ruff: noqa: E501 - screens are as wide as they are
# fmt: off

from __future__ import annotations

from tests.cli.preloading import preload
from tests.cli.walkthroughs.lines import Line, User

preload("context")

CONFIG = ""
NAMES_SERVER = False  # contexts do

LINES = (
    Line("nats context save example --server nats://nats.example.net:4222 --description 'Example.Net Server'", """
        NATS Configuration Context "example"

          Description: Example.Net Server
          Server URLs: nats://nats.example.net:4222
                 Path: {home}/config/nats/context/example.json"""),
    Line("nats context save local --server {url} --description 'Local Host' --select", """
        NATS Configuration Context "local"

          Description: Local Host
          Server URLs: nats://127.0.0.1:{port}
                 Path: {home}/config/nats/context/local.json
           Connection: OK"""),
    Line("nats context ls", """
        │ Known Contexts │
        │ Name │ Description │
        │ example │ Example.Net Server │
        │ local* │ Local Host │"""),
    Line("nats context info local", """
        NATS Configuration Context "local"

          Description: Local Host
          Server URLs: nats://127.0.0.1:{port}
                 Path: {home}/config/nats/context/local.json"""),
    Line("nats context show local --json", """
        {
          "name": "local",
          "description": "Local Host",
          "url": "nats://127.0.0.1:{port}",
          "socks_proxy": "",
          "token": "",
          "user": "",
          "password": "",
          "creds": "",
          "nkey": "",
          "cert": "",
          "key": "",
          "ca": "",
          "nsc": "",
          "jetstream_domain": "",
          "jetstream_api_prefix": "",
          "jetstream_event_prefix": "",
          "inbox_prefix": "",
          "user_jwt": "",
          "user_seed": "",
          "color_scheme": "",
          "tls_first": false,
          "windows_cert_store": "",
          "windows_cert_match_by": "",
          "windows_cert_match": "",
          "windows_ca_certs_match": null
        }"""),
    Line("nats context info", """
        NATS Configuration Context "local"

          Description: Local Host
          Server URLs: nats://127.0.0.1:{port}
                 Path: {home}/config/nats/context/local.json"""),
    Line("nats context select example", """
        NATS Configuration Context "example"

          Description: Example.Net Server
          Server URLs: nats://nats.example.net:4222
                 Path: {home}/config/nats/context/example.json"""),
    Line("nats context ls --names", """
        example
        local"""),
    Line("nats rtt --context local", """
        nats://127.0.0.1:{port}:

           nats://127.0.0.1:{port}: <age>"""),
    Line("nats context validate", """
        NATS Configuration Context "example"

          Description: Example.Net Server
          Server URLs: nats://nats.example.net:4222
                 Path: {home}/config/nats/context/example.json


        NATS Configuration Context "local"

          Description: Local Host
          Server URLs: nats://127.0.0.1:{port}
                 Path: {home}/config/nats/context/local.json"""),
    Line("nats context previous", """
        NATS Configuration Context "local"

          Description: Local Host
          Server URLs: nats://127.0.0.1:{port}
                 Path: {home}/config/nats/context/local.json"""),
    Line("nats rtt", """
        nats://127.0.0.1:{port}:

           nats://127.0.0.1:{port}: <age>"""),
    Line("nats context copy local third", """
        NATS Configuration Context "third"

          Description: Local Host
          Server URLs: nats://127.0.0.1:{port}
                 Path: {home}/config/nats/context/third.json"""),
    Line("nats context rm third", '[local] ? Really delete context "third" No\nnot removed', answers=(("[local] ? Really", "\r"),)),
    Line("nats context rm third", '[local] ? Really delete context "third" Yes', answers=(("[local] ? Really", "y\r"),)),
    Line("nats context unselect", 'Unselected the "local" context'),
    Line("nats context ls", """
        │ Known Contexts │
        │ Name │ Description │
        │ example │ Example.Net Server │
        │ local │ Local Host │"""),
)


def test_contexts(user: User) -> None:
    user.follow(LINES)

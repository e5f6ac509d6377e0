"""An operator, its accounts and users; a server that trusts it; and what its users may do there.

One store, two programs: some of it is made by `nsc`.
"""
# ruff: noqa: E501 - screens are as wide as they are
# fmt: off

from __future__ import annotations

from collections.abc import Callable

import pytest

import tests.cli.auth.ready  # noqa: F401
from tests.cli.conftest import KINDS, Cli
from tests.cli.preloading import preload
from tests.cli.walkthroughs.lines import Line, User
from tests.cli.walkthroughs.screens import new_stream
from tests.support.process import ServerProcess

preload("auth", "context", "account", "stream")

_NOTHING = "   No permissions defined"


def user(
    name: str,
    account: str = "APP",
    publish: str = _NOTHING,
    subscribe: str = _NOTHING,
    role: str = "",
) -> str:
    """A user's screen; it has the permissions of a role, or its own."""
    scoped = f"true\n{'':15}Role: {role}" if role else "false"
    return f"""\
User {name} (<key>)

Configuration:

            Account: {account} (<key>)
             Issuer: <key>
             Scoped: {scoped}
       Bearer Token: false

Limits:

        Max Payload: {"unlimited" if role else "1,048,576"}
           Max Data: unlimited
  Max Subscriptions: unlimited

Permissions:

  Publish:

{publish}

  Subscribe:

{subscribe}
"""


def allowed(*subjects: str, denied: str = "") -> str:
    rows = [f"{'':16}Allow: {subjects[0]}", *(f"{'':23}{subject}" for subject in subjects[1:])]
    return "\n".join([*rows, f"{'':17}Deny: {denied}"] if denied else rows)


def account(users: int = 0, revocations: int = 0, queried: bool = False) -> str:
    """The account's screen; servers do not say whose an account is."""
    whose = "" if queried else """
                  Operator: OP
            System Account: false"""
    return f"""\
Account APP (<key>)

Configuration:

                      Name: APP
                    Issuer: <key>{whose}
                 JetStream: true
                     Users: {users}
               Revocations: {revocations}
           Service Exports: 0
            Stream Exports: 0
           Service Imports: 0
            Stream Imports: 0

Limits:

     Bearer Tokens Allowed: false
             Subscriptions: unlimited
               Connections: 5
           Maximum Payload: unlimited
                 Leafnodes: unlimited
                   Imports: unlimited
                   Exports: unlimited

  JetStream Settings:

             Cluster Traffic: system

    Account Default Limits:

               Max Ack Pending: unlimited
               Maximum Streams: 1
      Max Consumers Per Stream: unlimited
      Max Stream Size Required: false
              Max File Storage: 1.0 GiB
            Max Memory Storage: 1.0 GiB
"""


def refused(name: str) -> Line:
    """A user whom the server does not let in."""
    return Line(f"nats --context {name} rtt", """
        nats://127.0.0.1:{port}:

           nats://127.0.0.1:{port}: failed
        <clock> Failed to compute rtt for nats://127.0.0.1:{port}: nats: Authorization Violation
        pynats: error: no server could be reached (tried nats://127.0.0.1:{port})""", code=1)


MAKING = (
    Line("nats auth operator add OP", """
        Operator OP (<key>)

        Configuration:

                    Name: OP
                 Subject: <key>
                Accounts: 1
          System Account: SYSTEM (<key>)
            Signing Keys: <key>"""),
    Line("nats auth operator ls", """
        │ Operators │
        │ Name │ Subject │ Accounts │ Account Server │ Signing Keys │
        │ OP │ <key> │ 1 │ │ 1 │"""),
    Line("nats auth account add APP --defaults --jetstream --js-disk 1GB --js-memory 1GB --js-streams 1 --connections 5", account()),
    Line('nats auth account keys add APP reader --sub-allow "orders.>" --sub-allow "_INBOX.>" --pub-allow "$JS.API.>"', """
        Scoped Signing Key <key>

        Config:

                        Key: <key>
                       Role: reader
               Bearer Token: false

        Limits:

                Max Payload: unlimited
                   Max Data: unlimited
          Max Subscriptions: unlimited

        Permissions:

          Publish:

                        Allow: $JS.API.>

          Subscribe:

                        Allow: _INBOX.>
                               orders.>"""),
    Line("nats auth user add admin SYSTEM --defaults --credential {home}/admin.creds", user("admin", account="SYSTEM")),
    Line('nats auth user add alice APP --defaults --pub-allow "orders.>" --sub-allow "orders.>" --sub-allow "_INBOX.>" --credential {home}/alice.creds', user("alice", publish=allowed("orders.>"), subscribe=allowed("_INBOX.>", "orders.>"))),
    Line("nats auth user add rita APP --key reader --defaults --credential {home}/rita.creds", user("rita", publish=allowed("$JS.API.>"), subscribe=allowed("_INBOX.>", "orders.>"), role="reader")),
    Line("nats auth user add bob APP --defaults", user("bob")),
    Line("nats auth user credential {home}/bob.creds bob APP --expire 1h", "Wrote credential for bob to {home}/bob.creds"),
    Line("nats auth user info rita APP", user("rita", publish=allowed("$JS.API.>"), subscribe=allowed("_INBOX.>", "orders.>"), role="reader")),
    Line("nats auth user ls APP", """
        │ Users in account APP │
        │ Name │ Subject │ Scoped │ Sub Perms │ Pub Perms │ Max Subscriptions │
        │ alice │ <key> │ false │ ✓ │ ✓ │ Unlimited │
        │ bob │ <key> │ false │ │ │ Unlimited │
        │ rita │ <key> │ true │ ✓ │ ✓ │ Unlimited │"""),
    Line("nats auth account ls", """
        │ Accounts │
        │ Name │ Subject │ Users │ JetStream │ System │
        │ APP │ <key> │ 3 │ true │ │
        │ SYSTEM │ <key> │ 1 │ │ true │"""),
    Line("nats auth operator info", """
        Operator OP (<key>)

        Configuration:

                    Name: OP
                 Subject: <key>
                Accounts: 2
          System Account: SYSTEM (<key>)
            Signing Keys: <key>"""),
    Line('nsc add user -a APP -n nick --allow-pub "orders.>"', """
        [ OK ] added pub "orders.>"
        [ OK ] generated and stored user key "<key>"
        [ OK ] generated user creds file `~/data/nats/nsc/keys/creds/OP/APP/nick.creds`
        [ OK ] added user "nick" to account "APP\""""),
    Line("nats auth user ls APP --names", """
        alice
        bob
        nick
        rita"""),
    Line("nsc generate creds -a APP -n nick -o {home}/nick.creds", "[ OK ] wrote credentials to `~/nick.creds`"),
    Line("nsc generate config --nats-resolver --config-file {home}/resolver.conf", "[ OK ] wrote server configuration to `~/resolver.conf`"),
)

WORKING = (
    Line("nats context add sys --server {url} --creds {home}/admin.creds --select", """
        NATS Configuration Context "sys"

          Server URLs: nats://127.0.0.1:{port}
          Credentials: {home}/admin.creds (OK)
                 Path: {home}/config/nats/context/sys.json
           Connection: OK"""),
    Line("nats auth account push APP", """
        Updating account APP (<key>) on 1 server(s)

        ✓ Update completed on hub

        Success 1 Failed 0 Expected 1"""),
    Line("nats auth account query APP {home}/app.jwt", account(queried=True)),
    Line("nats context add alice --server {url} --creds {home}/alice.creds", """
        NATS Configuration Context "alice"

          Server URLs: nats://127.0.0.1:{port}
          Credentials: {home}/alice.creds (OK)
                 Path: {home}/config/nats/context/alice.json"""),
    Line("nats context add rita --server {url} --creds {home}/rita.creds", """
        NATS Configuration Context "rita"

          Server URLs: nats://127.0.0.1:{port}
          Credentials: {home}/rita.creds (OK)
                 Path: {home}/config/nats/context/rita.json"""),
    Line("nats context add bob --server {url} --creds {home}/bob.creds", """
        NATS Configuration Context "bob"

          Server URLs: nats://127.0.0.1:{port}
          Credentials: {home}/bob.creds (OK)
                 Path: {home}/config/nats/context/bob.json"""),
    Line("nats context add nick --server {url} --creds {home}/nick.creds", """
        NATS Configuration Context "nick"

          Server URLs: nats://127.0.0.1:{port}
          Credentials: {home}/nick.creds (OK)
                 Path: {home}/config/nats/context/nick.json"""),
    Line("nats context select bob", """
        NATS Configuration Context "bob"

          Server URLs: nats://127.0.0.1:{port}
          Credentials: {home}/bob.creds (OK)
                 Path: {home}/config/nats/context/bob.json"""),
    Line("nats account info", """
        Account Information

                                   User: bob (<key>)
                                Account: APP (<key>)
                         System Account: false
                                Expires: <age>
                              Client ID: <n>
                              Client IP: 127.0.0.1
                                    RTT: <age>
                      Headers Supported: true
                        Maximum Payload: 1.0 MiB
                          Connected URL: nats://127.0.0.1:{port}
                      Connected Address: 127.0.0.1:{port}
                    Connected Server ID: <key>
               Connected Server Version: <word>
                  Connected Server Name: hub
                         TLS Connection: no

        JetStream Account Information:

        Account Usage:

                                Storage: 0 B
                                 Memory: 0 B
                                Streams: 0
                              Consumers: 0

        Account Limits:

                    Max Message Payload: 1.0 MiB

          Tier: Default:

              Configuration Requirements:

                Stream Requires Max Bytes Set: false
                 Consumer Maximum Ack Pending: Unlimited

              Stream Resource Usage Limits:

                                       Memory: 0 B of 1.0 GiB
                            Memory Per Stream: Unlimited
                                      Storage: 0 B of 1.0 GiB
                           Storage Per Stream: Unlimited
                                      Streams: 0 of 1
                                    Consumers: Unlimited"""),
    Line('nats stream add ORDERS --subjects "orders.>" --defaults', new_stream("ORDERS", "orders.>")),
    Line("nats stream add MORE --subjects more --defaults", "pynats: error: could not create Stream: maximum number of streams reached (10027)", code=1),
    Line("nats --context alice req orders.new one", """
        {"stream":"ORDERS","seq":1}


        <clock> Sending request on "orders.new"
        <clock> Received with rtt <age>"""),
    Line("nats --context nick pub orders.new two", '<clock> Published 3 bytes to "orders.new"'),
    Line("nats --context alice pub secret x", 'pynats: error: nats: Permissions Violation for Publish to "secret"', code=1),
    Line("nats --context alice sub secret", """
        <clock> Subscribing on secret
        pynats: error: nats: Permissions Violation for Subscription to "secret\"""", code=1),
    Line('nats --context rita sub "orders.>" --stream ORDERS --all --count 2', """
        [#1] Received JetStream message: stream: ORDERS seq: 1 / pending: 1 / subject: orders.new / time: <time>
        one


        [#2] Received JetStream message: stream: ORDERS seq: 2 / pending: 0 / subject: orders.new / time: <time>
        two


        <clock> Subscribing to subject orders.> from first received message"""),
    Line("nats --context rita pub orders.new x", 'pynats: error: nats: Permissions Violation for Publish to "orders.new"', code=1),
    Line("nats stream get ORDERS 1", """
        Item: ORDERS#1 received <time> +0000 UTC (<age>) on Subject orders.new

        one"""),
    Line("nats auth user rm bob APP --revoke --force", "Removed user bob"),
    Line("nats --context sys auth account push APP", """
        Updating account APP (<key>) on 1 server(s)

        ✓ Update completed on hub

        Success 1 Failed 0 Expected 1"""),
    refused("bob"),
    Line("nats --context alice rtt", """
        nats://127.0.0.1:{port}:

           nats://127.0.0.1:{port}: <age>"""),
    Line('nats auth user edit alice APP --pub-deny "orders.secret" --credential {home}/alice.creds', user("alice", publish=allowed("orders.>", denied="orders.secret"), subscribe=allowed("_INBOX.>", "orders.>"))),
    Line("nats --context alice pub orders.secret x", 'pynats: error: nats: Permissions Violation for Publish to "orders.secret"', code=1),
    Line("nats --context alice pub orders.open x", '<clock> Published 1 bytes to "orders.open"'),
    Line("nats auth account keys rm APP --key reader --force", 'key "<key>" removed'),
    Line("nats --context sys auth account push APP", """
        Updating account APP (<key>) on 1 server(s)

        ✓ Update completed on hub

        Success 1 Failed 0 Expected 1"""),
    refused("rita"),
    Line("nats auth account info APP", account(users=3, revocations=1)),
    Line("nsc validate -a APP", """
        ...
        +<any>+
        |                                                    User "rita"                                                     |
        +---+---+<any>+
        | # |   | Description                                                                                                |
        +---+---+<any>+
        | 1 | ! | the account no longer has the key that signed it, <key> |
        +---+---+<any>+
        [ERR ] validation found problems""", code=1),
    Line("nats auth operator backup OP {home}/op.backup", """
        Wrote backup for OP to {home}/op.backup

        WARNING: The output file is unencrypted and contains secrets,
        consider encrypting it with 'pynats auth nkey seal'"""),
)


@pytest.fixture
def cli(make_cli: Callable[[str], Cli], monkeypatch: pytest.MonkeyPatch) -> Cli:
    """In a home whose data folder is its own."""
    cli = make_cli("")
    cli.environment["XDG_DATA_HOME"] = str(cli.home / "data")
    cli.environment.pop("NSC_HOME", None)
    monkeypatch.chdir(cli.home)
    return cli


@pytest.mark.parametrize("kind", KINDS)
def test_auth(cli: Cli, kind: str) -> None:
    User(cli).follow(MAKING)
    folder = cli.home / "server"
    config = (cli.home / "resolver.conf").read_text().replace("./jwt", "@FOLDER@/jwt")
    more = "server_name: hub\njetstream { store_dir: @FOLDER@/store }\n"
    with ServerProcess(kind, folder, config + more) as server:
        User(cli, server.port).follow(WORKING)

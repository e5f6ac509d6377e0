"""What a server tells its administrator, and checks for a monitoring system."""
# ruff: noqa: E501 - screens are as wide as they are
# fmt: off

from __future__ import annotations

from tests.cli.preloading import preload
from tests.cli.walkthroughs.lines import Line, User

preload("context", "server", "account")

CONFIG = """
accounts {
  APP { users [{user: app, password: app}], jetstream: enabled }
  SYS { users [{user: system, password: secret}] }
}
system_account: SYS
no_auth_user: app
jetstream { store_dir: @FOLDER@/store }
"""

LINES = (
    Line("nats context add myuser --user system --password secret --server {url}", """
        NATS Configuration Context "myuser"

          Server URLs: nats://127.0.0.1:{port}
             Username: system
             Password: ******
                 Path: {home}/config/nats/context/myuser.json

        WARNING: Shell environment overrides in place using NATS_URL"""),
    Line("nats server report jetstream --user system", """
        │ JetStream Summary │
        │ Server │ Cluster │ Streams │ Consumers │ Messages │ Bytes │ Memory │ File │ API Req │ Pending │ Quorum Sz │ Rescuing │
        │ <key> │ │ 0 │ 0 │ 0 │ 0 B │ 0 B │ 0 B │ 0 │ 0 │ │ │
        │ │ │ 0 │ 0 │ 0 │ 0 B │ 0 B │ 0 B │ 0 │ 0 │ │ │""", environment=(('NATS_PASSWORD', 'secret'),)),
    Line("nats server report jetstream", "pynats: error: no results received, ensure the account used has system privileges and appropriate permissions", code=1),
    Line("nats server report connections --context myuser", """
        │ Top 1 Connections out of 1 by subs │
        │ CID │ Name │ Server │ Cluster │ IP │ Account │ Uptime │ In Msgs │ Out Msgs │ In Bytes │ Out Bytes │ Subs │
        │ <n> │ NATS CLI Version <word> │ <key> │ │ 127.0.0.1:<port> │ SYS │ <age> │ <n> │ <n> │ <size> │ <size> │ <n> │

        │ Connections per server │
        │ Server │ Cluster │ Connections │
        │ <key> │ │ 1 │"""),
    Line("nats server report accounts --context myuser", """
        │ 1 Accounts Overview │
        │ Account │ Connections │ In Msgs │ Out Msgs │ In Bytes │ Out Bytes │ Subs │
        │ SYS │ 1 │ <n> │ <n> │ <size> │ <size> │ <n> │"""),
    Line("nats server ls --context myuser", """
        │ Server Overview │
        │ Name │ Cluster │ Host │ Version │ JS │ Conns │ Subs │ Routes │ GWs │ Mem │ CPU % │ Cores │ Slow │ Uptime │ RTT │
        │ <key> │ │ 127.0.0.1 │ <word> │ yes │ 1 │ <n> │ 0 │ 0 │ <size> │ <n> │ <n> │ 0 │ <age> │ <age> │
        │ │ 0 │ 1 │ │ 1 │ 1 │ <n> │ │ │ <size> │ │ │ 0 │ │ │"""),
    Line("nats server check connection", "OK Connection OK:connected to nats://127.0.0.1:{port} in <age> OK:rtt time <age> OK:round trip took <n>s | connect_time=<n>s;0.5000;1.0000 rtt=<n>s;0.5000;1.0000 request_time=<n>s;0.5000;1.0000"),
    Line("nats server check jetstream", "OK JetStream | memory=0B memory_pct=0%;75;90 storage=0B storage_pct=0%;75;90 streams=0 streams_pct=0% consumers=0 consumers_pct=0% replicas_ok=0 replicas_no_leader=0 replicas_missing_replicas=0 replicas_lagged=0;;200 replicas_not_seen=0;;5 replicas_fail=0"),
    Line("nats server check server --name x --context myuser", 'CRITICAL x Crit:varz failed: server "x" did not answer, ensure that it exists', code=2),
    Line("nats server check stream --stream X", "CRITICAL X Crit:could not load info: stream not found (10059)", code=2),
    Line("nats server check kv --bucket X", "CRITICAL X Crit:bucket X not found", code=2),
    Line("nats server report gateways --context myuser", """
        │ Super Cluster Report │
        │ Server │ Name │ Port │ Kind │ Connection │ ID │ Uptime │ RTT │ Bytes │ Accounts │
        │ <key> │ │ 0 │ │ │ │ │ │ │ │
        │ 1 │ 1 │ │ │ 0 │ │ │ │ 0 B │ │"""),
    Line("nats server account info APP --context myuser", """
        Account information for account APP

        Details:

                Complete: true
                 Expired: false
          System Account: false
                 Updated: <time> (<age> ago)
               JetStream: true
                     Tag: APP

        Imports:

                 Subject: $JS.API.> from account SYS
                    Type: service
                 Sharing: true
                Tracking: false

                 Subject: $SYS.REQ.ACCOUNT.PING.CONNZ from subject $SYS.REQ.ACCOUNT.APP.CONNZ in account SYS
                    Type: service
                 Sharing: false
                Tracking: false

                 Subject: $SYS.REQ.ACCOUNT.PING.STATZ from subject $SYS.REQ.ACCOUNT.APP.STATZ in account SYS
                    Type: service
                 Sharing: false
                Tracking: false

                 Subject: $SYS.REQ.SERVER.PING.CONNZ from subject $SYS.REQ.ACCOUNT.APP.CONNZ in account SYS
                    Type: service
                 Sharing: false
                Tracking: false

                 Subject: $SYS.REQ.USER.INFO from subject $SYS.REQ.USER.APP.INFO in account SYS
                    Type: service
                 Sharing: true
                Tracking: false"""),
    Line("nats account report connections", """
        │ Top 1 Connections out of 1 by subs │
        │ CID │ Name │ Server │ Cluster │ IP │ Account │ Uptime │ In Msgs │ Out Msgs │ In Bytes │ Out Bytes │ Subs │
        │ <n> │ NATS CLI Version <word> │ <key> │ │ 127.0.0.1:<port> │ APP │ <age> │ <n> │ <n> │ <size> │ <size> │ <n> │

        │ Connections per server │
        │ Server │ Cluster │ Connections │
        │ <key> │ │ 1 │"""),
    Line("nats account report statistics", """
        │ Server Statistics │
        │ Server │ Cluster │ Version │ Tags │ Connections │ Subscriptions │ Leafnodes │ Sent Bytes │ Sent Messages │ Received Bytes │ Received Messages │ Slow Consumers │
        │ <key> │ │ <word> │ │ 1 │ <n> │ 0 │ <size> │ <n> │ <size> │ <n> │ 0 │
        │ 1 │ │ │ │ 1 │ <n> │ 0 │ <size> │ <n> │ <size> │ <n> │ 0 │"""),
    Line("nats account info --user system --password secret", """
        Account Information

                              User: system
                           Account: SYS (SYS)
                    System Account: true
                           Expires: never
                         Client ID: <n>
                         Client IP: 127.0.0.1
                               RTT: <age>
                 Headers Supported: true
                   Maximum Payload: 1.0 MiB
                     Connected URL: nats://127.0.0.1:{port}
                 Connected Address: 127.0.0.1:{port}
               Connected Server ID: <key>
          Connected Server Version: <word>
             Connected Server Name: <key>
                    TLS Connection: no

        JetStream Account Information:

           Could not obtain account information: JetStream not enabled for account (10039)"""),
)


def test_reports(user: User) -> None:
    user.follow(LINES)

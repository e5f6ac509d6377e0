"""For every command the shortest command line that is valid.

`@D@` is a folder with prepared files, `@H@` one of its own. `--force` is added to commands that
know it. A line that begins with `-` before its arguments is of a command that needs no server.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from pynats_cli.commands import ROOT
from pynats_common.commandline.declare import Parameter, parameters
from pynats_common.commandline.tree import Command, every

SERVED = """
publish a b
subscribe a
request a b
reply a b
service list
service info s
service stats s
service ping
service request s e b
service serve s
trace a b
stream add S --subjects s --defaults
stream ls
stream report
stream find
stream info S
stream state S
stream subjects S
stream edit S --max-age 1h
stream rm S
stream purge S
stream copy S T
stream rmm S 1
stream view S
stream get S 1
stream query S
stream seal S
stream gaps S
stream graph S
stream cluster step-down S
stream cluster balance
stream cluster peer-remove S p
stream cluster evacuate S p
stream cluster cancel-move S
stream backup S @H@/backup
stream restore @D@/stream
consumer add S C --pull --defaults
consumer edit S C --description d
consumer copy S C D
consumer rm S C
consumer reset S C
consumer pause S C 1h
consumer resume S C
consumer unpin S C g
consumer ls S
consumer find S
consumer info S C
consumer state S C
consumer report S
consumer graph S C
consumer next S C
consumer sub S C
consumer cluster step-down S C
consumer cluster balance S
consumer cluster evacuate S C p
kv add B
kv edit B --history 2
kv info B
kv ls B
kv compact B
kv put B k v
kv get B k
kv create B k v
kv update B k v 1
kv del B k
kv purge B k
kv history B k
kv revert B k 1
kv watch B
object add B
object edit B --description d
object info B
object ls B
object seal B
object put B @D@/file
object get B f
object del B f
object watch B
counter get c
counter view c
counter increment c 1
counter decrement c 1
counter list
apply @D@/apply.json
backup stream S @H@/backup
backup account @H@/backup
backup restore stream @D@/stream
backup restore account @D@/account
account info
account report connections
account report statistics
account backup @H@/backup
account restore @D@/account
account tls
auth account push A --operator O
auth account query A
server list
server ping
server info
server report connections
server report accounts
server report jetstream
server report health
server report cpu
server report mem
server report routes
server report gateways
server report leafnodes
server report downgrade 2
server request variables
server request connections
server request subscriptions
server request accounts
server request jetstream
server request jetstream-health
server request raft
server request routes
server request gateways
server request leafnodes
server request ipqueue
server request profile heap @H@
server request kick 1 s
server check connection
server check stream --stream S
server check consumer --stream S --consumer C
server check message --stream S
server check meta --expect 1 --lag-critical 1 --seen-critical 1s
server check request --subject a
server check jetstream
server check server --name s
server check kv --bucket B
server watch api requests
server watch accounts
server watch jetstream
server watch servers
server graph s
server stream-check --read-timeout 1
server consumer-check --read-timeout 1
server account info A
server account purge A
server cluster step-down
server cluster evacuate p
server cluster peer-remove p
server cluster rescue
server cluster balance
server config reload s
audit gather --output @H@/audit.zip
audit upgrade --to 2.16
events
latency --server-b @URL@
bench compare @URL@ @URL@ pub a --rounds 1 --warm-up 0
bench pub a
bench sub a
bench service request a
bench service serve a
bench js pub sync a
bench js pub async a
bench js pub atomic a
bench js pub fast a
bench js ordered
bench js consume
bench js fetch
bench js get sync
bench js get batch
bench kv put
bench kv get
bench oldjs ordered a
bench oldjs push a
bench oldjs pull a
rtt
top --once
traffic
schema request a b
"""

ALONE = """
backup info @D@/stream
backup validate @D@/stream
backup edit @D@/stream @H@/edited
backup lookup @D@/keys v
auth operator add O
auth operator info O
auth operator list
auth operator edit O --tags t
auth operator import @D@/file
auth operator select O
auth operator backup O @H@/o.tar
auth operator restore O @D@/file
auth operator keys list O
auth operator keys add O
auth operator keys rm O K
auth account add A --defaults
auth account info A
auth account edit A --tags t
auth account ls O
auth account imports add I s A
auth account imports info s A
auth account imports edit s A
auth account imports ls A
auth account imports rm s A
auth account imports kv B p A
auth account exports add E s A
auth account exports info s A
auth account exports edit s A
auth account exports ls A
auth account exports rm s A
auth account exports kv B
auth account keys add A r
auth account keys info A K
auth account keys ls A
auth account keys rm A
auth account mappings add A s t 100
auth account mappings ls A
auth account mappings rm A s
auth account mappings info A s
auth user add U A --defaults
auth user info U A
auth user edit U A --tags t
auth user ls A
auth user rm U A
auth user credential @H@/u.creds U A
auth nkey gen user
auth nkey show @D@/seed
auth nkey sign @D@/file @D@/seed
auth nkey verify @D@/file @D@/file @D@/seed
auth nkey seal @D@/file @D@/seed XKEY
auth nkey unseal @D@/file @D@/seed XKEY
auth nuid gen
server check credential --credential @D@/file
server check exporter --config @D@/file
server config fmt @D@/server.conf
server config lint @D@/server.conf
server config explain port
server config convert @D@/server.conf
server passwd --generate
server mappings a.* b.{{wildcard(1)}} a.x
server generate @H@/made
audit analyze @D@/file
audit checks
context add c
context copy c d
context edit c
context ls
context rm c
context select c
context unselect
context info c
context validate c
context previous
errors ls
errors lookup 10059
errors edit @D@/errors.json 10059
errors validate @D@/errors.json
schema search
schema info io.nats.jetstream.api.v1.stream_configuration
schema validate io.nats.jetstream.api.v1.stream_configuration @D@/apply.json
plugins register p /bin/true
cheat
completion bash
"""


@dataclass(frozen=True)
class Line:
    """A command and its shortest line."""

    path: tuple[str, ...]
    command: Command
    rest: tuple[str, ...]
    alone: bool

    def __str__(self) -> str:
        return " ".join(self.path)

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return parameters(self.command.options())

    @property
    def words(self) -> list[str]:
        """All words of the line, without prompts."""
        forced = any("--force" in item.spellings() for item in self.parameters)
        return [*self.path, *self.rest, *(["--force"] if forced else [])]

    def filled(self, **places: str) -> list[str]:
        """The words with the places filled in."""
        words = self.words
        for name, value in places.items():
            words = [word.replace(f"@{name}@", value) for word in words]
        return words


def commands() -> dict[tuple[str, ...], Command]:
    """Every command of the program."""
    return {path: node for path, node in every(ROOT) if isinstance(node, Command)}


def _read() -> Iterator[Line]:
    known = commands()
    for text, alone in ((SERVED, False), (ALONE, True)):
        for row in text.strip().splitlines():
            words = tuple(shlex.split(row))
            path = next(words[:n] for n in range(len(words), 0, -1) if words[:n] in known)
            yield Line(path, known[path], words[len(path) :], alone)


LINES = {line.path: line for line in _read()}

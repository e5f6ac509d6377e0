"""Certificates of clients, and configurations whose users they name."""

from __future__ import annotations

from dataclasses import dataclass, field

from cryptography import x509
from cryptography.x509.oid import NameOID
from cryptography.x509.oid import ObjectIdentifier as Oid

from tests.conformance.protocol.configs import BCRYPT_SECRET

_OIDS = {
    "CN": NameOID.COMMON_NAME,
    "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "O": NameOID.ORGANIZATION_NAME,
    "C": NameOID.COUNTRY_NAME,
    "L": NameOID.LOCALITY_NAME,
    "ST": NameOID.STATE_OR_PROVINCE_NAME,
    "STREET": NameOID.STREET_ADDRESS,
    "POSTALCODE": NameOID.POSTAL_CODE,
    "SERIALNUMBER": NameOID.SERIAL_NUMBER,
    "DC": NameOID.DOMAIN_COMPONENT,
    "UID": NameOID.USER_ID,
    "EMAIL": NameOID.EMAIL_ADDRESS,
    "GN": NameOID.GIVEN_NAME,
    "T": NameOID.TITLE,
    "X": Oid("1.2.3.4"),
}
SUBJECTS: dict[str, str] = {
    "alice": "C=US/O=Acme/OU=Dev/CN=alice",
    "alice reversed": "CN=alice/OU=Dev/O=Acme/C=US",
    "alice of no country": "O=Acme/OU=Dev/CN=alice",
    "Alice": "C=US/O=Acme/OU=Dev/CN=Alice",
    "alice and more": "C=US/O=Acme/OU=Dev/OU=Ops/CN=alice",
    **{f"alice with {kind}": f"C=US/O=Acme/OU=Dev/CN=alice/{kind}=u" for kind in
       ("UID", "EMAIL", "GN", "T", "X", "L", "SERIALNUMBER", "DC")},
    "carol": "DC=com/DC=example/OU=Dev/CN=carol",
    "carol reversed": "CN=carol/OU=Dev/DC=example/DC=com",
    "mv": "O=Acme/OU=Dev+CN=mv",
    "mv flat": "O=Acme/OU=Dev/CN=mv",
    "dup": "OU=Dev/OU=Ops/CN=dup",
    "dup reversed": "CN=dup/OU=Ops/OU=Dev",
    "dup same": "OU=Dev/OU=Dev/CN=dup",
    "dup once": "OU=Dev/CN=dup",
    "two names": "CN=a/CN=b",
    "two names reversed": "CN=b/CN=a",
    "comma": "O=Acme, Inc/CN=e+f",
    "quote": 'CN=a"b\\\\c',
    "signs": "CN=<a>;b=c",
    "hash": "CN=#ab",
    "hash inside": "CN=a#b",
    "blanks": "CN= a ",
    "blanks inside": "CN=a  b",
    "letters": "CN=jürgen ß",
    "all": "C=US/O=o/OU=u/L=LA/ST=CA/STREET=st/POSTALCODE=1/SERIALNUMBER=5/CN=s",
    "only DC": "DC=com/DC=example",
    "only email": "EMAIL=a@b.c",
    "only unknown": "X=x",
    "nobody": "CN=nobody",
    "empty": "",
}  # fmt: skip


def subject(text: str) -> x509.Name:
    """`A=a/B=b+C=c`, in the order of the certificate."""
    rdns = []
    for part in text.split("/") if text else []:
        pieces = [each.split("=", 1) for each in part.split("+")]
        if any(len(each) < 2 or each[0] not in _OIDS for each in pieces):
            pieces = [part.split("=", 1)]  # a plus in a value
        rdns.append(
            x509.RelativeDistinguishedName(
                [x509.NameAttribute(_OIDS[kind], value, _validate=False) for kind, value in pieces]
            )
        )
    return x509.Name(rdns)


@dataclass(frozen=True)
class Client:
    """What a client shows and says."""

    subject: str = "empty"  # a key of SUBJECTS
    names: tuple[str, ...] = ()
    says: dict[str, object] = field(default_factory=dict)
    first: bytes = b""  # sent before CONNECT
    plain: bool = False  # without TLS


def users(*names: str) -> str:
    """Users without passwords."""
    entries = "\n".join(f"  {{ user: {quoted(name)} }}" for name in names)
    return f"authorization {{ users: [\n{entries}\n] }}\n"


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


_EVERYBODY = tuple(SUBJECTS)
_DNS = (
    "CN=alice,OU=Dev,O=Acme,C=US",
    "cn=alice, ou=Dev , O = Acme,C=US",
    "C=US,O=Acme,OU=Dev,CN=alice",
    "O=Acme,CN=alice,C=US,OU=Dev",
    "CN=alice,OU=Dev,O=Acme",
    "alice",
    "CN=alice",
    "CN=alice,OU=Dev,O=Acme,C=US,DC=u",
    "CN=alice,OU=Dev,O=Acme,C=US,UID=u",
    "SERIALNUMBER=u,CN=alice,OU=Dev,O=Acme,C=US",
    "CN=carol,OU=Dev,DC=example,DC=com",
    "DC=com,DC=example,OU=Dev,CN=carol",
    "CN=carol,OU=Dev,DC=com,DC=example",
    "CN=carol,OU=Dev",
    "CN=mv+OU=Dev,O=Acme",
    "OU=Dev+CN=mv,O=Acme",
    "CN=mv,OU=Dev,O=Acme",
    "CN=dup,OU=Dev,OU=Ops",
    "CN=dup,OU=Dev+OU=Ops",
    "CN=dup,OU=Dev,OU=Dev",
    "CN=dup,OU=Dev",
    "CN=a",
    "CN=b",
    "CN=b,CN=a",
    r"CN=e\+f,O=Acme\, Inc",
    r"CN=e\2bf,O=Acme\2C Inc",
    "CN=e+f,O=Acme, Inc",
    r"CN=a\"b\\c",
    r"CN=a\22b\5Cc",
    r"CN=\<a\>\;b=c",
    r"CN=\<a\>\;b\=c",
    r"CN=\#ab",
    "CN=#ab",
    "CN=a#b",
    r"CN=\ a\ ",
    "CN= a ",
    "CN=a  b",
    "CN=jürgen ß",
    r"CN=j\c3\bcrgen \C3\9F",
    "SERIALNUMBER=5,CN=s,OU=u,O=o,POSTALCODE=1,STREET=st,L=LA,ST=CA,C=US",
    "CN=s,SERIALNUMBER=5,POSTALCODE=1,STREET=st,ST=CA,L=LA,OU=u,O=o,C=US",
    "DC=com,DC=example",
    "DC=example,DC=com",
    ",DC=com,DC=example",
    "CN=nobody,",
    "CN=nobody,X",
    "CN=",
    "",
)
# For each configuration, its users and the certificates that are shown.
CONFIGS: dict[str, str] = {
    **{f"user {name}": users(name) for name in _DNS if name},
    "names": users("a@b.c", "host.x", "spiffe://x/y", "CN=n", "*.x.y", "b@b.c"),
    "barred": (
        "authorization { users: [\n"
        "  { user: 'a@b.c', allowed_connection_types: [WEBSOCKET] }\n  { user: host.x }\n"
        "  { user: 'CN=a,O=b', allowed_connection_types: [WEBSOCKET] }\n  { user: 'O=b,CN=a' }\n"
        "] }\n"
    ),
    "passwords": (
        "authorization { users: [\n"
        "  { user: 'CN=alice,OU=Dev,O=Acme,C=US', password: secret }\n"
        f"  {{ user: 'a@b.c', password: '{BCRYPT_SECRET}' }}\n"
        "  { user: plain, password: plain }\n  { user: bare }\n] }\n"
    ),
    "guest": "no_auth_user: guest\n"
    + users("CN=alice,OU=Dev,O=Acme,C=US", "guest"),
    "guest plain": "allow_non_tls: true\nno_auth_user: guest\n"
    + users("CN=alice,OU=Dev,O=Acme,C=US", "guest"),
    "plain": "allow_non_tls: true\n"
    + users("CN=alice,OU=Dev,O=Acme,C=US")
    + "accounts { A { users: [{ user: x, password: y }] } }\n",
    "single": "authorization { user: u, password: p }\n",
    "token": "authorization { token: t }\n",
    "nobody listed": "",
    "accounts": (
        "accounts {\n  A { users: [{ user: 'CN=alice,OU=Dev,O=Acme,C=US' }] }\n"
        "  B { users: [{ user: host.x }] }\n}\n"
    ),
    "proxied": (
        "proxies { trusted: [{ key: UDUMP6EGVZ55XRAA3IC2IF42DUR6QWNNXYT7MIAWSZAQJAXF22O2OEKN }] }\n"
        "authorization { users: [{ user: 'CN=nobody', proxy_required: true }] }\n"
    ),
}  # fmt: skip


def cases() -> dict[str, tuple[str, Client]]:
    """By name: a configuration, and a client."""
    found: dict[str, tuple[str, Client]] = {}

    def add(config: str, name: str, client: Client) -> None:
        found[f"{config}: {name}"] = config, client

    for name in _DNS:
        for each in _EVERYBODY if name else ():
            if _related(name, SUBJECTS[each]):
                add(f"user {name}", each, Client(each))
    alternatives: dict[str, tuple[str, ...]] = {
        "second email": ("z@z.z", "a@b.c"),
        "email and host": ("host.x", "a@b.c"),
        "host": ("k.l", "host.x"),
        "host in upper case": ("HOST.x",),
        "wildcard": ("*.x.y",),
        "host under a wildcard": ("z.x.y",),
        "uri": ("spiffe://x/y",),
        "uri in upper case": ("SPIFFE://x/y",),
        "uri escaped": ("spiffe://x/%79",),
        "email in upper case": ("A@b.c",),
        "address": ("1.2.3.4",),
        "two emails that are users": ("b@b.c", "a@b.c"),
        "nothing known": ("q@q.q", "q.q", "q://q"),
    }
    for label, names in alternatives.items():
        for each in ("empty", "nobody"):
            add("names", f"{label}, {each}", Client(each, names))
    add("barred", "email, then host", Client("nobody", ("a@b.c", "host.x")))
    add("barred", "email alone", Client("nobody", ("a@b.c",)))
    add("accounts", "subject", Client("alice"))
    add("accounts", "host before subject", Client("alice", ("host.x",)))
    add("accounts", "nobody", Client("nobody"))
    for label, says in {
        "nothing": {},
        "the password": {"pass": "secret"},
        "a wrong password": {"pass": "x"},
        "another user": {"user": "plain", "pass": "plain"},
        "another user, own password": {"user": "plain", "pass": "secret"},
        "a token": {"auth_token": "x"},
        "jwt": {"jwt": "x"},
    }.items():
        add("passwords", f"alice says {label}", Client("alice", says=says))
        add("passwords", f"email says {label}", Client("nobody", ("a@b.c",), says))
    add(
        "passwords", "unknown says plain", Client("nobody", says={"user": "plain", "pass": "plain"})
    )
    add("passwords", "unknown says bare", Client("nobody", says={"user": "bare"}))
    for config in ("guest", "guest plain"):
        add(config, "alice", Client("alice"))
        add(config, "nobody", Client("nobody"))
        add(config, "nobody pings", Client("nobody", first=b"PING\r\n"))
        add(config, "alice pings", Client("alice", first=b"PING\r\n"))
    add("guest plain", "plain", Client(plain=True))
    add("guest plain", "plain pings", Client(plain=True, first=b"PING\r\n"))
    add("guest plain", "plain says guest", Client(plain=True, says={"user": "guest"}))
    for label, says in {
        "nothing": {},
        "a name": {"user": "CN=alice,OU=Dev,O=Acme,C=US"},
        "name and password": {"user": "x", "pass": "y"},
        "a wrong password": {"user": "x", "pass": "z"},
    }.items():
        add("plain", f"plain says {label}", Client(plain=True, says=says))
        add("plain", f"alice says {label}", Client("alice", says=says))
    for label, says in {
        "nothing": {},
        "password": {"user": "u", "pass": "p"},
        "token": {"auth_token": "t"},
    }.items():
        for config in ("single", "token", "nobody listed"):
            add(config, label, Client("alice", says=says))
    add("proxied", "nobody", Client("nobody"))
    return found


def _related(name: str, text: str) -> bool:
    """Whether it is worth asking: the user's name and the subject have a value in common."""
    values = {part.rpartition("=")[2].strip().lower() for part in text.replace("+", "/").split("/")}
    own = {part.rpartition("=")[2].strip().lower() for part in name.replace("+", ",").split(",")}
    special = {"comma", "quote", "signs", "hash", "blanks", "letters", "hash inside"}
    return bool(values & own) or ("\\" in name and text in {SUBJECTS[each] for each in special})

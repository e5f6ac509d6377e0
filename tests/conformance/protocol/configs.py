"""Server configurations that rows refer to by name. Ports and log go on the command line."""

from __future__ import annotations

from tests.support.signing import public_key

# The word "secret" at cost 4, to keep the tests quick.
BCRYPT_SECRET = "$2a$04$DtDIXr3hzDHOV13781F4H./wKdcygpHKQtHdT1L.1QjKc2C9MaQYi"
BCRYPT_OF_72_BYTES = "$2a$04$rXDsfIlLRpETQhYB1g43lu/FRqPR1Qj1wQsUdhd0t0iKAXfQzZR0a"

_HASH = BCRYPT_SECRET.partition("$2a$")[2]
# Hashes by their prefix, and some that were cut or have something behind them.
ODD_HASHES: dict[str, str] = {
    **{f"of-{kind}": f"$2{kind}${_HASH}" for kind in "abxy"},
    "short": "$2a$11$short",
    "empty": "$2a$04$",
    "cut": BCRYPT_SECRET[:-1],
    "longer": BCRYPT_SECRET + "x",
    "of-no-cost": "$2a$short",
    "of-a-cost-of-99": f"$2a$99${_HASH[3:]}",
}

PERMISSIONS = """
authorization {
  default_permissions { publish: "def.pub.>", subscribe: ["def.sub.>", "_INBOX.>"] }
  users = [
    { user: free, password: p, permissions: { publish: ">", subscribe: ">" } }
    { user: default, password: p }
    { user: allow, password: p, permissions: {
        publish: { allow: ["a.*", "b.>", "exact"] },
        subscribe: { allow: ["a.*", "b.>", "exact"] } } }
    { user: deny, password: p, permissions: {
        publish: { deny: ["secret", "x.*.z", "deep.>"] },
        subscribe: { deny: ["secret", "x.*.z", "deep.>"] } } }
    { user: both, password: p, permissions: {
        publish: { allow: "p.>", deny: ["p.no", "p.*.no"] },
        subscribe: { allow: "p.>", deny: ["p.no", "p.*.no"] } } }
    { user: nothing, password: p, permissions: { publish: [], subscribe: [] } }
    { user: denyall, password: p, permissions: {
        publish: { deny: ">" }, subscribe: { deny: ">" } } }
    { user: queues, password: p, permissions: {
        publish: ">",
        subscribe: { allow: [
          "any", "one v1", "wild v1.*", "deep *.dev", "star *", "mix", "mix v1"] } } }
    { user: noqueues, password: p, permissions: {
        publish: ">", subscribe: { allow: ">", deny: ["foo v1", "bar v1.>", "> *.prod"] } } }
    { user: responder, password: p, permissions: {
        subscribe: ">", allow_responses: true } }
    { user: responder3, password: p, permissions: {
        subscribe: ">", publish: "own.>", allow_responses: { max: 3, expires: "1m" } } }
    { user: responderdeny, password: p, permissions: {
        subscribe: ">", publish: { deny: "reply.>" }, allow_responses: { max: 2 } } }
    { user: responderbrief, password: p, permissions: {
        subscribe: ">", allow_responses: { max: 5, expires: "50ms" } } }
    { user: responderany, password: p, permissions: {
        subscribe: ">", allow_responses: { max: -1, expires: "-1s" } } }
  ]
}
"""

ACCOUNTS = f"""
accounts {{
  ONE {{ users = [
    {{ user: one, password: p }}
    {{ user: uno, password: "{BCRYPT_SECRET}" }}
    {{ user: guest, password: p, permissions: {{ publish: "open.>", subscribe: "open.>" }} }}
    {{ user: web, password: p, allowed_connection_types: [WEBSOCKET] }}
  ] }}
  TWO {{
    users = [
      {{ user: two, password: p }}
      {{ user: own, password: p, permissions: {{ publish: "own.>", subscribe: "own.>" }} }}
    ]
    default_permissions: {{ publish: "two.>", subscribe: ["two.>", "_INBOX.>"] }}
  }}
  FEW {{
    users = [{{ user: few, password: p }}]
    limits {{ max_connections: 2, max_subscriptions: 2, max_payload: 8 }}
  }}
  $SYS {{ users = [{{ user: admin, password: p }}] }}
}}
authorization {{ users = [{{ user: plain, password: p }}] }}
"""

# Users with one list of rules for subscriptions each.
RULES: dict[str, str] = {
    "literal": 'deny: ["a.b"]',
    "star": 'deny: ["a.*"]',
    "tail": 'deny: ["a.>"]',
    "one-token": 'deny: ["*"]',
    "two-tokens": 'deny: ["*.*"]',
    "star-first": 'deny: ["*.b"]',
    "star-middle": 'deny: ["a.*.c"]',
    "two-and-tail": 'deny: ["*.*.>"]',
    "all": 'deny: [">"]',
    "several": 'deny: ["a.b", "a.c", "*.b.>"]',
    "for-a-queue": 'deny: ["a.* q"]',
    "for-queues": 'deny: ["a.> *"]',
    "allow-star": 'allow: ["a.*"]',
    "allow-tail": 'allow: ["a.>"]',
    "allow-one-token": 'allow: ["*"]',
    "allow-star-deny-literal": 'allow: ["a.*"], deny: ["a.b"]',
    "allow-tail-deny-star": 'allow: ["a.>"], deny: ["a.*"]',
    "allow-literal-deny-tail": 'allow: ["a.b", "a.c"], deny: [">"]',
}

DENIED = (
    "authorization { users = [\n  { user: free, password: p }\n"
    + "".join(
        f"  {{ user: {name}, password: p, permissions: {{ subscribe: {{ {rules} }} }} }}\n"
        for name, rules in RULES.items()
    )
    + "] }\n"
)


def _proxies(*names: str) -> str:
    keys = ", ".join(f"{{ key: {public_key(name)} }}" for name in names)
    return f"proxies {{ trusted: [{keys}] }}\n"


KEYS = f"""
accounts {{ A {{ users = [{{ nkey: {public_key("carl")} }}] }} }}
authorization {{ users = [
  {{ nkey: {public_key("ann")} }}
  {{ user: pat, password: secret }}
  {{ nkey: {public_key("wes")}, allowed_connection_types: [WEBSOCKET] }}
  {{ nkey: {public_key("pia")}, proxy_required: true }}
  {{ nkey: {public_key("rob")}, permissions: {{ publish: "open.>", subscribe: "open.>" }} }}
] }}
"""
PROXIED = f"""
authorization {{ users = [
  {{ user: pat, password: secret }}
  {{ user: pia, password: secret, proxy_required: true }}
  {{ nkey: {public_key("ned")}, proxy_required: true }}
] }}
"""

CONFIGS: dict[str, str] = {
    "plain": "",
    "named": "server_name: box\n",
    "small": "max_payload: 16\nmax_control_line: 64\n",
    "noheaders": "no_header_support: true\n",
    "subs3": "max_subscriptions: 3\n",
    "tokens3": "max_subscription_tokens: 3\n",
    "conns2": "max_connections: 2\n",
    "advertise": 'client_advertise: "example.org:4333"\n',
    "token": "authorization { token: tok }\n",
    "token_bcrypt": f'authorization {{ token: "{BCRYPT_SECRET}" }}\n',
    "user": "authorization { user: ann, password: secret }\n",
    "user_bcrypt": f'authorization {{ user: ann, password: "{BCRYPT_SECRET}" }}\n',
    "user_bcrypt_72": f'authorization {{ user: ann, password: "{BCRYPT_OF_72_BYTES}" }}\n',
    "token_bcrypt_72": f'authorization {{ token: "{BCRYPT_OF_72_BYTES}" }}\n',
    "odd_hashes": "authorization { users = [\n"
    + "".join(f'  {{ user: {name}, password: "{text}" }}\n' for name, text in ODD_HASHES.items())
    + "] }\n",
    "odd_hash_of_a_token": f'authorization {{ token: "{ODD_HASHES["short"]}" }}\n',
    "user_without_password": "authorization { user: ann }\n",
    "password_without_user": "authorization { password: secret }\n",
    "authorization_of_nothing": "authorization {}\n",
    "authorization_of_a_time": "authorization { timeout: 20 }\n",
    "authorization_of_nobody": "authorization { users: [] }\n",
    "authorization_of_defaults": "authorization { default_permissions: { publish: x } }\n",
    "account_of_nobody": "accounts { A {} }\n",
    "system_users_and_a_time": (
        "accounts { $SYS { users = [{ user: admin, password: p }] } }\n"
        "authorization { timeout: 20 }\n"
    ),
    "guest_of_websockets": (
        "no_auth_user: guest\nauthorization { users = [\n"
        "  { user: guest, allowed_connection_types: [WEBSOCKET] }\n"
        "  { user: ann, password: secret }\n] }\n"
    ),
    "one_who_logs_in": (
        "max_connections: 1\nauthorization { user: ann, password: secret, timeout: 20 }\n"
    ),
    "users": (
        "authorization { users = [\n"
        "  { user: ann, password: secret }\n"
        f'  {{ user: bob, password: "{BCRYPT_SECRET}" }}\n'
        '  { user: cat, password: "" }\n'
        "] }\n"
    ),
    "no_auth_user": (
        "no_auth_user: guest\n"
        "authorization { users = [\n"
        "  { user: ann, password: secret }\n"
        '  { user: guest, password: g, permissions: { publish: "open.>", subscribe: "open.>" } }\n'
        "] }\n"
    ),
    "auth_timeout": "authorization { user: ann, password: secret, timeout: 0.2 }\n",
    "permissions": PERMISSIONS,
    "denied": DENIED,
    "accounts": ACCOUNTS,
    "account_guest": "no_auth_user: guest\n" + ACCOUNTS,
    # Users of the system account alone do not lock the others out, but an `authorization` does.
    "system_users": "accounts { $SYS { users = [{ user: admin, password: p }] } }\n",
    "system_users_closed": (
        "accounts { $SYS { users = [{ user: admin, password: p }] } }\nauthorization {}\n"
    ),
    "system_renamed": (
        "system_account: ADMIN\naccounts { ADMIN { users = [{ user: admin, password: p }] } }\n"
    ),
    "account_names": "accounts: [ONE, TWO]\n",
    "account_token": "accounts { ONE {} }\nauthorization { token: tok }\n",
    "keys": KEYS,
    "only_keys": f"authorization {{ users = [{{ nkey: {public_key('ann')} }}] }}\n",
    "key_guest": f"no_auth_user: {public_key('ann')}\n{KEYS}",
    "system_keys": f"accounts {{ $SYS {{ users = [{{ nkey: {public_key('ann')} }}] }} }}\n",
    "proxied": _proxies("gate", "door") + PROXIED,
    "proxied_open": _proxies("gate"),
    "proxied_user": _proxies("gate")
    + "authorization { user: ann, password: secret, proxy_required: true }\n",
    "proxied_token": _proxies("gate") + "authorization { token: tok, proxy_required: true }\n",
    "proxied_guest": _proxies("gate")
    + "no_auth_user: pia\nauthorization { users = [{ user: pia, proxy_required: true }] }\n",
    "unproxied": (
        "authorization { users = [\n"
        "  { user: pia, password: secret, proxy_required: true }\n  { user: pat }\n] }\n"
    ),
    "stale": 'ping_interval: "200ms"\nping_max: 2\n',
}

"""Claims that change: who has to go, who stays, and with what."""

from __future__ import annotations

from tests.conformance.jwt.live.stage import Activation, Live, acc, usr

_ALLOWED = {"pub": {"allow": ["p.>"]}, "sub": {"allow": ["s.>"]}}
_LISTENS = """
    push first
    a SUB x 1
    b SUB x 1
"""


def scope(role: str = "r", **template: object) -> dict[str, object]:
    return {"kind": "user_scope", "key": "<account signer>", "role": role,
            "template": {"subs": -1, "data": -1, "payload": -1, **template},
            "description": ""}  # fmt: skip


_EVENTS = """
    s SUB $SYS.SERVER.*.CLIENT.AUTH.ERR 1
    s SUB $SYS.ACCOUNT.*.CONNECT 2
    s SUB $SYS.ACCOUNT.*.DISCONNECT 3
    s SUB $SYS.ACCOUNT.CLIENT.AUTH.ERR 4
    push first
    o SUB $SYS.ACCOUNT.CLIENT.AUTH.ERR 1
    hears s 1
"""
ROWS = [
    Live("events: a log-in that fails", _EVENTS + """
        f OPEN {}
        hears s 2
        """, {"first": acc()},
        {"s": usr("SYS"), "f": usr(top={"exp": 1_700_000_001})}),
    Live("events: a user is revoked", _EVENTS + """
        a SUB x 1
        hears s 1
        push revoked
        gone a
        hears s 1
        """, {"first": acc(), "revoked": acc(revocations={"<user a>": 1_700_000_000})},
        {"s": usr("SYS")}),
    Live("events: the time of a user is over", _EVENTS + """
        a SUB x 1
        hears s 1
        gone a
        hears s 1
        """, {"first": acc()}, {"s": usr("SYS"), "a": usr(top={"exp": "<now+2>"})}),
    Live("a callout goes with the claims that wanted it", """
        push callout
        c SUB x 1
        a OPEN {}
        push first
        a OPEN {}
        """, {"first": acc(), "callout": acc(authorization={"auth_users": ["<user c>"]})}),
    Live("no connections any more", """
        push first
        a1 SUB x 1
        a2 SUB x 1
        push none
        gone a1
        gone a2
        a OPEN {}
        push first
        a OPEN {}
        """, {"first": acc(), "none": acc(limits={"conn": 0})}),
    Live("one connection of three", """
        push first
        a1 SUB x 1
        a2 SUB x 1
        a3 SUB x 1
        push one
        gone a2
        gone a3
        a1 PUB x | still here
        a4 OPEN {}
        a1 CLOSE
        a5 OPEN {}
        """, {"first": acc(), "one": acc(limits={"conn": 1})}),
    Live("less than no connections", """
        push first
        a SUB x 1
        push negative
        gone a
        a OPEN {}
        """, {"first": acc(), "negative": acc(limits={"conn": -5})}),
    Live("no limits at all", """
        push first
        a SUB x 1
        push none
        gone a
        """, {"first": acc(), "none": acc(top={"nats": {"type": "account", "version": 2}})}),
    Live("fewer subscriptions", """
        push first
        a SUB x 1
        a SUB y 2
        a SUB z 3
        b SUB x 1
        push two
        gone a
        b PUB x | still here
        b SUB y 2
        b SUB z 3
        """, {"first": acc(), "two": acc(limits={"subs": 2})}, {"b": usr()}),
    Live("more subscriptions", """
        push one
        a SUB x 1
        a SUB y 2
        push two
        a SUB y 2
        a SUB z 3
        """, {"one": acc(limits={"subs": 1}), "two": acc(limits={"subs": 3})}),
    Live("smaller messages", """
        push first
        a SUB x 1
        a PUB x | 1234567
        push small
        a PUB x | 1234
        a PUB x | 1234567
        """, {"first": acc(), "small": acc(limits={"payload": 5})}),
    Live("larger messages", """
        push small
        a SUB x 1
        a PUB x | 1234
        push first
        a PUB x | 1234567
        """, {"first": acc(), "small": acc(limits={"payload": 5})}),
    Live("a user is revoked", _LISTENS + """
        push revoked
        gone a
        b PUB x | still here
        a OPEN {}
        push first
        a OPEN {}
        """, {"first": acc(), "revoked": acc(revocations={"<user a>": 1_700_000_000})},
        {"b": usr()}),
    Live("a user is revoked, before his token was issued", _LISTENS + """
        push revoked
        a PUB x | still here
        """, {"first": acc(), "revoked": acc(revocations={"<user a>": 1_699_999_999})},
        {"b": usr()}),
    Live("everybody is revoked, but one came later", _LISTENS + """
        push revoked
        gone a
        b PUB x | still here
        a OPEN {}
        b2 OPEN {}
        """, {"first": acc(), "revoked": acc(revocations={"*": 1_700_000_000})},
        {"b": usr(top={"iat": 1_700_000_001})}),
    Live("everybody is revoked, and one later", _LISTENS + """
        push revoked
        gone a
        gone b
        """, {"first": acc(), "revoked": acc(
            revocations={"*": 1_600_000_000, "<user a>": 1_700_000_000,
                         "<user b>": 1_800_000_000})},
        {"b": usr(top={"iat": 1_700_000_005})}),
    Live("a bearer where none may be any more", """
        push first
        a SUB x 1
        b SUB x 1
        push none
        gone a
        b PUB x | still here
        a OPEN {}
        """, {"first": acc(), "none": acc(limits={"disallow_bearer": True})},
        {"a": usr(bearer_token=True), "b": usr()}),
    Live("a signing key is removed", _LISTENS + """
        push none
        gone a
        b PUB x | still here
        a OPEN {}
        push first
        a OPEN {}
        """, {"first": acc(signing_keys=["<account signer>"]), "none": acc()},
        {"a": usr(by="signer"), "b": usr()}),
    Live("another signing key is added", _LISTENS + """
        push both
        b PUB x | still here
        """, {"first": acc(signing_keys=["<account signer>"]),
              "both": acc(signing_keys=["<account signer>", "<account other>"])},
        {"a": usr(by="signer"), "b": usr()}),
    Live("a role changes", """
        push first
        a SUB s.x 1
        b SUB s.x 1
        push changed
        gone a
        b PUB s.x | still here
        a SUB s.x 1
        a SUB t.x 1
        """, {"first": acc(signing_keys=[scope(**_ALLOWED)]),
              "changed": acc(signing_keys=[scope(sub={"allow": ["t.>"]})])},
        {"a": usr(by="signer", subs=0, data=0, payload=0), "b": usr()}),
    Live("a role stays", """
        push first
        a SUB s.x 1
        push described
        a SUB s.y 2
        """, {"first": acc(signing_keys=[scope(**_ALLOWED)]),
              "described": acc(signing_keys=[scope(**_ALLOWED)], description="again")},
        {"a": usr(by="signer", subs=0, data=0, payload=0)}),
    Live("a role gets another name", """
        push first
        a SUB s.x 1
        push renamed
        gone a
        """, {"first": acc(signing_keys=[scope(**_ALLOWED)]),
              "renamed": acc(signing_keys=[scope("other", **_ALLOWED)])},
        {"a": usr(by="signer", subs=0, data=0, payload=0)}),
    Live("a role becomes a plain key", """
        push first
        a SUB s.x 1
        push plain
        gone a
        """, {"first": acc(signing_keys=[scope(**_ALLOWED)]),
              "plain": acc(signing_keys=["<account signer>"])},
        {"a": usr(by="signer", subs=0, data=0, payload=0)}),
    Live("a plain key becomes a role", """
        push plain
        a SUB t.x 1
        push role
        gone a
        a OPEN {}
        """, {"role": acc(signing_keys=[scope(**_ALLOWED)]),
              "plain": acc(signing_keys=["<account signer>"])},
        {"a": usr(by="signer")}),
    Live("default permissions change", """
        push first
        a SUB q 1
        a SUB s.x 2
        b SUB q 1
        push denied
        a PUB q | 1
        a PUB s.x | 2
        a SUB q 3
        a SUB s.y 4
        b PUB q | for b
        push first
        a SUB q 5
        """, {"first": acc(), "denied": acc(default_permissions={"sub": {"deny": ["q"]},
                                                                 "pub": {"deny": ["s.x"]}})},
        {"b": usr(sub={"deny": ["none"]})}),
    Live("default permissions deny a queue", """
        push first
        a SUB q g 1
        a SUB q 2
        push denied
        a PUB q | 1
        """, {"first": acc(), "denied": acc(default_permissions={"sub": {"deny": ["q g"]}})}),
    Live("default permissions and answers", """
        push first
        a SUB s 1
        push answers
        b PUB s in.b | question
        a PUB in.b | answer
        a PUB in.b | again
        """, {"first": acc(), "answers": acc(default_permissions={"resp": {"max": 1, "ttl": 0}})},
        {"b": usr(pub={"allow": [">"]})}),
    Live("an account has expired", """
        push first
        a SUB x 1
        push expired
        a PUB x | still here
        a2 OPEN {}
        lookup A
        push renewed
        a3 OPEN {}
        """, {"first": acc(), "expired": acc(top={"exp": 1_700_000_001}),
              "renewed": acc(top={"exp": 4_000_000_000})}),
    Live("times run out", """
        push A
        push E
        push B
        a SUB x 1
        b SUB x 1
        e SUB x 1
        i SUB > 1
        c PUB ev.x | 1
        c PUB x | for a and b
        gone a
        gone b
        gone e
        wait 1
        c PUB ev.x | 2
        i PUB x | still here
        e OPEN {}
        push E again
        e OPEN {}
        """, {"A": acc(exports=[{"subject": "ev.>", "type": "stream", "token_req": True}]),
              "E": acc("E", top={"exp": "<now+3>"}), "E again": acc("E"),
              "B": acc("B", imports=[{"subject": "ev.>", "type": "stream",
                                      "account": "<account A>", "token": "<token act>"}]),
              "act": Activation("ev.>", top={"exp": "<now+3>"})},
        {"a": usr(top={"exp": "<now+3>"}), "e": usr("E"), "i": usr("B"),
         "b": usr(times=[{"start": "<clock-3600>", "end": "<clock+3>"}], times_location="UTC")}),
    Live("an account is not valid yet", """
        push first
        a SUB x 1
        push early
        a PUB x | still here
        a2 OPEN {}
        """, {"first": acc(), "early": acc(top={"nbf": 4_000_000_000})}),
    Live("another name and other tags", """
        push first
        a SUB in.> 1
        a PUB $SYS.REQ.USER.INFO in.1 |
        hears a 1
        push renamed
        a PUB $SYS.REQ.USER.INFO in.2 |
        hears a 1
        """, {"first": acc(), "renamed": acc(top={"name": "Other"}, tags=["a:b"])}),
    Live("mappings change", """
        push first
        a SUB > 1
        a PUB m.x | 1
        push mapped
        a PUB m.x | 2
        push others
        a PUB m.x | 3
        a PUB n.x | 4
        push first
        a PUB n.x | 5
        """, {"first": acc(), "mapped": acc(mappings={"m.*": [{"subject": "to.$1"}]}),
              "others": acc(mappings={"n.x": [{"subject": "other", "weight": 100}]})}),
    Live("what a user may is his own", """
        push first
        a SUB in.> 1
        a SUB no 2
        a PUB $SYS.REQ.USER.INFO in.1 |
        hears a 1
        push again
        a SUB no 3
        """, {"first": acc(), "again": acc(description="again")},
        {"a": usr(sub={"allow": ["in.>"], "deny": ["in.no"]}, pub={"allow": ["$SYS.>"]},
                  resp={"max": 3, "ttl": 1_000_000_000}, tags=["t:1"], subs=10)}),
    Live("an older token is pushed", """
        push newer
        lookup A
        push older
        lookup A
        a OPEN {}
        """, {"newer": acc(top={"iat": 1_700_000_100}, limits={"conn": 0}),
              "older": acc(top={"iat": 1_700_000_000})}),
    Live("the same is pushed again", """
        push first
        a SUB x 1
        push first
        a PUB x | still here
        """, {"first": acc()}),
]  # fmt: skip

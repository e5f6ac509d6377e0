"""Limits of accounts, and reloads that change users, permissions, limits and accounts."""

from __future__ import annotations

from tests.support.stage import Scenario

LIMITED = """
accounts {
  L { users [ { user: a, password: a }, { user: b, password: b, permissions {
        publish: ["b.>", "_INBOX.>"], subscribe: ">" } } ]
      default_permissions { publish: ["a.>"], subscribe: ["a.>", "in.>"] }
      limits { LIMITS } }
  M { users [ { user: c, password: c } ] }
}
"""


def limited(limits: str) -> str:
    return LIMITED.replace("LIMITS", limits)


TWO = """
accounts {
  A { users [ { user: a, password: a MORE_A }, { user: b, password: b } ] }
  B { users [ { user: c, password: c } ] }
}
"""

ROWS = [
    Scenario(
        "one subscription too many is refused and the connection stays",
        limited("max_subscriptions: 3"),
        """
        a SUB a.1 1
        a SUB a.2 2
        a SUB in.3 3
        a SUB in.4 4
        a UNSUB 3
        a SUB in.5 5
        a PUB a.2 | still here
        c SUB a.1 1
        """,
    ),
    Scenario(
        "a message above the account's max_payload ends the connection",
        limited("max_payload: 10"),
        """
        a SUB a.x 1
        b SUB a.x 1
        a PUB a.x | 0123456789
        a PUB a.x | 0123456789a
        b PUB b.x | 0123456789
        c SUB x 1
        c PUB x | 0123456789a
        """,
    ),
    Scenario(
        "default permissions are those of users without their own",
        limited(""),
        """
        a SUB in.x 1
        a SUB out 2
        a PUB b.x | no
        b SUB out 1
        b PUB a.x | no
        b PUB b.x | yes
        """,
    ),
    Scenario(
        "one connection of an account too many is refused",
        limited("max_connections: 2"),
        """
        a SUB in.1 1
        b SUB in.1 1
        a2 SUB in.1 1
        c SUB in.1 1
        c2 SUB in.1 1
        b CLOSE
        a3 SUB in.1 1
        """,
    ),
    Scenario(
        "limits of an account change for those who are connected",
        limited("max_subscriptions: 1, max_payload: 10"),
        """
        a SUB in.1 1
        a SUB in.2 2
        reload more
        a SUB in.2 2
        b PUB b.1 | 0123456789abc
        b SUB b.1 1
        reload less
        b PUB b.1 | 0123456789
        """,
        {
            "more": limited("max_subscriptions: 3, max_payload: 100"),
            "less": limited("max_subscriptions: 3, max_payload: 5"),
        },
    ),
    Scenario(
        "an account that is removed takes its clients along",
        TWO.replace("MORE_A", ""),
        """
        a SUB x 1
        c SUB x 1
        c PUB x | one
        reload without
        a PUB x | two
        a SUB y 2
        """,
        {"without": TWO.replace("MORE_A", "").replace("B {", "C {").replace("user: c", "user: d")},
    ),
    Scenario(
        "a user who has another password is disconnected; nobody else",
        TWO.replace("MORE_A", ""),
        """
        a SUB x 1
        b SUB x 1
        c SUB x 1
        reload other password
        b PUB x | one
        """,
        {"other password": TWO.replace("password: a MORE_A", "password: z")},
    ),
    Scenario(
        "a user who moves to another account is disconnected",
        TWO.replace("MORE_A", ""),
        """
        a SUB x 1
        b SUB x 1
        reload moved
        b PUB x | one
        c SUB x 1
        """,
        {
            "moved": """
            accounts {
              A { users [ { user: b, password: b } ] }
              B { users [ { user: c, password: c }, { user: a, password: a } ] }
            }
            """
        },
    ),
    Scenario(
        "new permissions end subscriptions and publishing at once",
        TWO.replace("MORE_A", ', permissions { publish: ">", subscribe: ">" }'),
        """
        a SUB x 1
        a SUB y 2
        a PUB x | before
        reload narrow
        a PUB x | denied
        a PUB y | allowed
        b PUB x | for nobody
        a SUB x 3
        reload wide
        a SUB x 3
        b PUB x | again
        """,
        {
            "narrow": TWO.replace("MORE_A", ", permissions { publish: y, subscribe: y }"),
            "wide": TWO.replace("MORE_A", ', permissions { publish: ">", subscribe: ">" }'),
        },
    ),
    Scenario(
        "an account that loses JetStream answers that it has none",
        'jetstream { store_dir: "@FOLDER@/js" }\n'
        + TWO.replace("MORE_A", "").replace("A {", "A { jetstream: enabled,"),
        """
        a SUB in 1
        a PUB $JS.API.STREAM.NAMES in | {}
        reload without
        a PUB $JS.API.INFO in | {}
        reload with
        a PUB $JS.API.STREAM.NAMES in | {}
        """,
        {
            "without": 'jetstream { store_dir: "@FOLDER@/js" }\n'
            + TWO.replace("MORE_A", "").replace("B {", "B { jetstream: enabled,"),
            "with": 'jetstream { store_dir: "@FOLDER@/js" }\n'
            + TWO.replace("MORE_A", "").replace("A {", "A { jetstream: enabled,"),
        },
    ),
]

# The real server closes any of them, in the order of its map.
NEWEST = Scenario(
    "a lower maximum of connections closes the newest",
    limited("max_connections: 9"),
    """
    b SUB in.1 1
    a SUB in.1 1
    a2 SUB in.1 1
    c SUB in.1 1
    reload fewer
    """,
    {"fewer": limited("max_connections: 1")},
)

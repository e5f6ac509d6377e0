"""Subject mappings."""

from __future__ import annotations

from tests.conformance.accounts.rows.streams import users
from tests.support.stage import Scenario


def mapped(*lines: str) -> str:
    return f"accounts {{ A {{ {users('a')}\n mappings = {{\n" + "\n".join(lines) + "\n} } }"


SIMPLE = mapped(
    '"foo": "bar"', '"t.*.*": "u.$2.$1"', '"dup.*": "dup.x.$1"', '"lit.>": "lit.gt.>"',
    '"drop.*.*": "dropo.$2"', '"same": "same"', '"none": []', '"gone": [{dest: "gone", weight: 0}]',
    '"_INBOX.x": "diverted"',
)  # fmt: skip
FUNCTIONS = mapped(
    '"p.*": "p3.{{partition(3,1)}}.$1"', '"pp.*.*": "pp.{{partition(10,1,2)}}"',
    '"pr.*.*": "pr.{{partition(10,2,1)}}"', '"pall.*.*": "pall.{{partition(10)}}"',
    '"lr.*": "lr.{{left(1,3)}}.{{right(1,2)}}"', '"sp.*": "spl.{{split(1,-)}}"',
    '"sl.*": "sl.{{splitfromleft(1,3)}}"', '"sr.*": "sr.{{splitfromright(1,3)}}"',
    '"cl.*": "cl.{{slicefromleft(1,2)}}"', '"cr.*": "cr.{{slicefromright( 1 , 2 )}}"',
    '"zero.*": "zero.{{partition(0,1)}}"', '"w.*": "w.{{wildcard(1)}}"',
)  # fmt: skip
GUARDED = """
accounts {
  A {
    users = [
      {user: a, password: a, permissions: {publish: ["src.*", "ok.*"], subscribe: ">"}}
    ]
    mappings = { "src.hid": "hid.1", "src.ok": "ok.1" } }
}
"""
MAPPED_ONLY = """
accounts {
  A {
    users = [
      {user: a, password: a}
      {user: b, password: b, permissions: {publish: "ok.*"}}
      {user: c, password: c, permissions: {publish: {deny: "src.*"}}}
    ]
    mappings = { "src.ok": "ok.1", "src.no": "no.1", "ok.src": "no.2" } }
}
"""
ACROSS = f"""
accounts {{
  A {{ {users("a")}
    exports = [{{service: "bs.>"}}, {{stream: "out.>"}}]
    mappings = {{ "toout.*": "out.$1", "bs.mapped": "inner" }} }}
  B {{ {users("b")}
    imports = [
      {{service: {{account: A, subject: "bs.>"}}}}
      {{stream: {{account: A, subject: "out.>"}}, to: "bo.>"}}
    ]
    mappings = {{ alias: "bs.alias", "bo.>": "never.>" }} }}
}}
"""
TOP = """
mappings = { "foo": "bar" }
accounts { A { users = [{user: a, password: a}] }, B { users = [{user: b, password: b}] } }
"""
CLUSTERS = mapped(
    '"cl": [{dest: "cl.c1", weight: 100, cluster: c1}, {dest: "cl.c2", weight: 100, cluster: c2}]',
    '"cx": [{dest: "cx.c1", weight: 100, cluster: c1}, {dest: "cx.all", weight: 100}]',
)
ROWS = [
    Scenario("mapped subjects", SIMPLE, """
        a SUB > 1
        a PUB foo | hi
        a PUB foo in | hi
        a HPUB foo in | A: 1 | hi
        a PUB t.1.2 | hi
        a PUB dup.a | once
        a PUB dup.x | hi
        a PUB lit.x.y | hi
        a PUB lit.* | a star
        a PUB drop.1.2 | hi
        a PUB same | hi
        a PUB none | hi
        a PUB gone | no
        a PUB _INBOX.x | hi
        a PUB other | hi
        a PUB foo | again
        a PUB foo | again
        """),
    Scenario("functions of mappings", FUNCTIONS, """
        a SUB > 1
        a PUB p.customerid1 |
        a PUB p.customerid2 |
        a PUB p.customerid3 |
        a PUB p.customerid4 |
        a PUB pp.1.a |
        a PUB pp.2.b |
        a PUB pr.1.a |
        a PUB pall.1.a |
        a PUB pall.2.b |
        a PUB lr.abcdef |
        a PUB lr.ab |
        a PUB sp.foo-bar |
        a PUB sp.-foo- |
        a PUB sp.foo--bar |
        a PUB sp.none |
        a PUB sl.1234567 |
        a PUB sl.12 |
        a PUB sl.123 |
        a PUB sr.1234567 |
        a PUB cl.1234567 |
        a PUB cr.1234567 |
        a PUB zero.x |
        a PUB w.x |
        """),
    Scenario("a mapping to nothing", mapped('"a.*": "{{split(1,-)}}"'), """
        a SUB > 1
        a SUB in.> 2
        a PUB a.x-y | split
        a PUB a.- | 1
        a PUB a.- | 2
        a PUB a.- | 3
        a PUB a.- in.1 | ask
        """),
    Scenario("nobody on a mapped subject", SIMPLE, """
        a SUB in.> 1
        a SUB foo 2
        a PUB foo in.1 | nobody
        a PUB gone in.2 | lost
        """),
    Scenario("permissions on both subjects", GUARDED, """
        a SUB > 1
        a PUB src.ok | hi
        a PUB src.hid | denied
        a PUB no | denied
        a PUB src.hid | denied
        """),
    Scenario("only what a subject is mapped to needs a permission", MAPPED_ONLY, """
        a SUB > 1
        b PUB src.ok | 1
        b PUB src.ok | 2
        b PUB src.no | 3
        b PUB ok.src | 4
        b PUB ok.x | 5
        b PUB src.x | 6
        c PUB src.ok | 7
        c PUB src.x | 8
        c PUB src.no | 9
        """),
    Scenario("mappings, services and streams", ACROSS, """
        a SUB > 1
        b SUB > 1
        b PUB alias in | ask
        b PUB bs.mapped in | mapped at the exporter
        a PUB toout.5 rep | hi
        """),
    Scenario("mappings of the top level are of the global account", TOP, """
        a SUB > 1
        a PUB foo | hi
        """),
    Scenario("mappings of clusters without a cluster", CLUSTERS, """
        a SUB > 1
        a PUB cl | hi
        a PUB cx | hi
        """),
    Scenario("mappings that change", mapped('"foo": "bar"'), """
        a SUB > 1
        a PUB foo | 1
        a PUB foo | 1
        reload other
        a PUB foo | 2
        a PUB foo | 2
        reload none
        a PUB foo | 3
        """, {"other": mapped('"foo": "baz"'), "none": mapped()}),
]  # fmt: skip

"""Requests to the system account, and to what every account has of it."""

from __future__ import annotations

from tests.conformance.system.scene import Ask

NAMES = (
    "IDZ", "STATSZ", "VARZ", "SUBSZ", "CONNZ", "ROUTEZ", "GATEWAYZ", "LEAFZ", "ACCOUNTZ", "JSZ",
    "HEALTHZ", "RAFTZ", "PROFILEZ",
)  # fmt: skip
NOT_THERE = ("ACCSTATZ", "STACKSZ", "RELOAD", "KICK", "LDM", "NOPE", "varz")
PING = "$SYS.REQ.SERVER.PING"
DIRECT = "$SYS.REQ.SERVER.ID"
ACCOUNT = "$SYS.REQ.ACCOUNT"
FILTERS = (
    '{"server_name":"n"}', '{"server_name":"NA"}', '{"server_name":"n","exact_match":true}',
    '{"server_name":"nA","exact_match":true}', '{"SERVER_NAME":"x"}', '{"cluster":"c"}',
    '{"cluster":""}', '{"host":"127"}', '{"host":"127","exact_match":true}',
    '{"host":"127.0.0.1","exact_match":true}', '{"tags":["AZ:1"]}', '{"tags":["az"]}',
    '{"tags":["az:1","rack:2"]}', '{"tags":["az:1","az:2"]}', '{"tags":[]}', '{"domain":"x"}',
    '{"domain":"hub"}', '{"domain":""}',
)  # fmt: skip
BODIES = (
    "{bad", "  ", "null", '{"unknown":1}', '{"sort":1}', '{"sort":"bogus"}', "[]", "1", '"x"',
    '{"offset":"1"}', '{"offset":1.5}', '{"cid":-1}', '{"tags":"x"}', '{"tags":[1]}', "{}x",
    '{"auth":1}', '{"offset":99999999999999999999}', "{", '{"a":1', "\t", "nul", '{"acc":null}',
    '{"exact_match":"x"}', '{"sort":"cid","sort":"bogus"}', '{"SORT":"bogus"}', '{"state":"x"}',
)  # fmt: skip
CONNZ = (
    '{"state":0,"acc":"D"}', '{"state":1,"acc":"D"}', '{"state":2,"acc":"D"}', '{"state":3}',
    '{"state":-1}', '{"state":256}', '{"state":"closed"}',
    '{"sort":"stop"}', '{"sort":"stop","state":1,"acc":"D"}', '{"sort":"reason","state":2}',
    '{"filter_subject":"foo"}', '{"filter_subject":"foo","acc":"D"}', '{"filter_subject":">"}',
    '{"filter_subject":"f.x","acc":"A"}', '{"filter_subject":"gone.x","acc":"D","state":1}',
    '{"filter_subject":"f.*","acc":"A"}', '{"filter_subject":"nobody","acc":"B"}',
    '{"filter_subject":"nobody","acc":"D","state":2}', '{"filter_subject":"foo","acc":"NOPE"}',
    '{"user":"d"}', '{"user":"d","auth":true}', '{"acc":"NOPE"}', '{"acc":"A","auth":true}',
    '{"acc":"D","auth":true,"subscriptions":true}',
    '{"acc":"D","auth":true,"subscriptions_detail":true}',
    '{"acc":"D","subscriptions":true,"subscriptions_detail":true}',
    '{"acc":"D","state":1,"subscriptions":true,"subscriptions_detail":true}',
    '{"acc":"D","state":1,"subscriptions":true,"auth":true}', '{"limit":2}',
    '{"limit":-1,"offset":-1}', '{"cid":999999}', '{"mqtt_client":"x"}', '{"sort":""}',
)  # fmt: skip
SUBSZ = (
    '{"subscriptions":true,"account":"B"}', '{"subscriptions":true,"account":"NOPE"}',
    '{"subscriptions":true,"test":"foo"}', '{"subscriptions":true,"test":"foo","account":"A"}',
    '{"subscriptions":true,"test":"foo.*"}', '{"test":"foo.*"}', '{"account":"NOPE"}',
    '{"subscriptions":true,"account":"B","offset":100}',
)  # fmt: skip
ACCOUNTZ = (
    '{"account":"A"}', '{"account":"B"}', '{"account":"C"}', '{"account":"SYS"}',
    '{"account":"NOPE"}', '{"account":""}', '{"acc":"A"}', '{"account":"EMPTY"}',
)  # fmt: skip
JSZ = (
    '{"account":"A"}', '{"acc":"A"}', '{"account":"NOPE"}', '{"accounts":true}',
    '{"streams":true}', '{"consumer":true}', '{"consumers":true}', '{"streams":true,"config":true}',
    '{"leader_only":true}', '{"stream_leader_only":true}', '{"raft":true}', '{"offset":-1}',
    '{"accounts":true,"offset":5}', '{"direct_consumer":true,"accounts":true}',
)  # fmt: skip
HEALTHZ = (
    '{"account":"A"}', '{"stream":"x"}', '{"account":"A","stream":"x"}', '{"account":"NOPE"}',
    '{"account":"A","stream":"S"}', '{"account":"A","stream":"S","consumer":"C"}',
    '{"account":"A","consumer":"C"}', '{"details":true}', '{"account":"NOPE","details":true}',
    '{"js-enabled-only":true}', '{"js-server-only":true}', '{"js-enabled":true}', '{"js-meta-only":'
    "true}",
)  # fmt: skip
OTHERS = {
    "ROUTEZ": ('{"subscriptions":true}', '{"subscriptions_detail":true}'),
    "GATEWAYZ": ('{"accounts":true}', '{"name":"x"}', '{"account_name":"x"}'),
    "LEAFZ": ('{"account":"A"}', '{"subscriptions":true}'),
    "IPQUEUESZ": ('{"all":true,"filter":"nothing like that"}', '{"all":1}', '{"filter":1}'),
    "RAFTZ": ('{"account":"A"}', '{"group":"x"}'),
    "PROFILEZ": ('{"name":"nope"}', '{"name":"cpu","duration":-1}', '{"name":"cpu",'
                 '"duration":16000000000}', '{"name":"a/b"}', '{"name":1}', '{"duration":"x"}'),
}  # fmt: skip
ENCODINGS = (
    "snappy", "s2", "gzip", "GZIP", "Snappy", "deflate", "gzip, snappy", "br;q=1, gzip", "identity",
    "*",
)  # fmt: skip
NSUBS = (
    '{"acc":"A","subject":"foo"}', '{"acc":"A","subject":"foo","queue":"cQ=="}',
    '{"acc":"A","subject":"foo","queue":"q"}', '{"acc":"A","subject":"f.x"}',
    '{"acc":"A","subject":"f.*"}', '{"acc":"A","subject":">"}', '{"subject":"foo"}', "", "{bad",
    '{"acc":"NOPE","subject":"foo"}', '{"acc":"EMPTY","subject":"foo"}', '{"acc":"A"}',
    '{"acc":"A","subject":"foo","queue":null}', '{"acc":"A","subject":"foo","queue":"eA=="}',
    '{"acc":"A","subject":"foo","queue":""}',
)  # fmt: skip
SUBSCRIBERS = ("foo", "foo q", "foo q2", "f.*", "f.x", "f.>", "", "foo q more words", "nothing",
               "  foo  q", ">", "foo\tq", "..")  # fmt: skip
STATZ = (
    "", '{"accounts":["A"]}', '{"accounts":["$G"]}', '{"accounts":["$G"],"include_unused":true}',
    '{"accounts":["NOPE"]}', '{"accounts":["NOPE"],"include_unused":true}', '{"accounts":[]}',
    '{"include_unused":true}', '{"accounts":["A","NOPE","B"]}', '{"accounts":["A","A"]}',
)  # fmt: skip

ROWS = [
    *(Ask(f"ping {name}", f"{PING}.{name}") for name in NAMES),
    *(Ask(f"direct {name}", f"{DIRECT}.{name}") for name in NAMES),
    *(Ask(f"ping without {name}", f"{PING}.{name}") for name in NOT_THERE),
    *(Ask(f"direct without {name}", f"{DIRECT}.{name}") for name in ("ACCSTATZ", "STACKSZ", "X")),
    Ask("ping", PING),
    Ask("ping more", f"{PING}.VARZ.x"),
    Ask("another server", "$SYS.REQ.SERVER.NAAAA.VARZ"),
    *(Ask(f"filter {body}", f"{PING}.HEALTHZ", body) for body in FILTERS),
    *(Ask(f"filter statsz {body}", f"{PING}.STATSZ", body) for body in FILTERS[:2]),
    *(Ask(f"filter direct {body}", f"{DIRECT}.STATSZ", body) for body in FILTERS[:2]),
    Ask("filter of idz", f"{PING}.IDZ", '{"server_name":"x"}'),
    Ask("garbage to idz", f"{PING}.IDZ", "{bad"),
    Ask("garbage to statsz", f"{PING}.STATSZ", "{bad"),
    *(Ask(f"body {body!r}", f"{PING}.CONNZ", body) for body in BODIES),
    *(Ask(f"body of varz {body!r}", f"{PING}.VARZ", body) for body in ("{bad", "[]", '"x"')),
    *(Ask(f"body of jsz {body!r}", f"{PING}.JSZ", body)
      for body in ('{"streams":1}', '{"limit":""}', '{"account":1}')),
    *(Ask(f"body of subsz {body!r}", f"{PING}.SUBSZ", body)
      for body in ('{"test":1}', '{"limit":""}')),
    *(Ask(f"body of accountz {body!r}", f"{PING}.ACCOUNTZ", body) for body in ('{"account":1}',)),
    *(Ask(f"body of healthz {body!r}", f"{PING}.HEALTHZ", body) for body in ('{"details":1}',)),
    *(Ask(f"body of statz {body!r}", f"{ACCOUNT}.A.STATZ", body)
      for body in ('{"accounts":1}', '{"include_unused":1}', '{"accounts":[1]}')),
    *(Ask(f"connz {body}", f"{PING}.CONNZ", body) for body in CONNZ),
    *(Ask(f"subsz {body}", f"{PING}.SUBSZ", body) for body in SUBSZ),
    *(Ask(f"accountz {body}", f"{PING}.ACCOUNTZ", body) for body in ACCOUNTZ),
    *(Ask(f"jsz {body}", f"{PING}.JSZ", body) for body in JSZ),
    *(Ask(f"healthz {body}", f"{PING}.HEALTHZ", body) for body in HEALTHZ),
    *(Ask(f"{name.lower()} {body}", f"{PING}.{name}", body)
      for name, bodies in OTHERS.items() for body in bodies),
    *(Ask(f"encoding {each}", f"{PING}.LEAFZ", headers=f"Accept-Encoding: {each}")
      for each in ENCODINGS),
    *(Ask(f"encoding of {each}", f"{PING}.{each}", headers="Accept-Encoding: gzip")
      for each in ("IDZ", "STATSZ", "CONNZ")),
    Ask("encoding of an error", f"{PING}.CONNZ", "{bad", headers="Accept-Encoding: gzip"),
    Ask("encoding in small letters", f"{PING}.LEAFZ", headers="accept-encoding: gzip"),
    # Of one account.
    *(Ask(f"account {acc} {name}", f"{ACCOUNT}.{acc}.{name}")
      for acc in ("A", "B", "C", "EMPTY", "NOPE", "SYS", "$G")
      for name in ("CONNZ", "SUBSZ", "LEAFZ", "JSZ", "INFO", "STATZ", "CONNS")),
    *(Ask(f"account do.t {name}", f"{ACCOUNT}.do.t.{name}") for name in ("CONNZ", "INFO")),
    Ask("account PING INFO", f"{ACCOUNT}.PING.INFO"),
    Ask("account PING CONNZ", f"{ACCOUNT}.PING.CONNZ"),
    Ask("account PING NOPE", f"{ACCOUNT}.PING.NOPE"),
    Ask("account A NOPE", f"{ACCOUNT}.A.NOPE"),
    Ask("account A JSZ streams", f"{ACCOUNT}.A.JSZ", '{"streams":true,"config":true}'),
    Ask("account A JSZ acc", f"{ACCOUNT}.A.JSZ", '{"account":"B"}'),
    Ask("account A CONNZ acc", f"{ACCOUNT}.A.CONNZ", '{"acc":"B","auth":true}'),
    Ask("account A CONNZ bad", f"{ACCOUNT}.A.CONNZ", "{bad"),
    Ask("account A SUBSZ account", f"{ACCOUNT}.A.SUBSZ", '{"account":"B"}'),
    Ask("account A SUBSZ test", f"{ACCOUNT}.A.SUBSZ", '{"test":"foo"}'),
    Ask("account A STATZ unused", f"{ACCOUNT}.EMPTY.STATZ", '{"include_unused":true}'),
    Ask("account A STATZ others", f"{ACCOUNT}.A.STATZ", '{"accounts":["B"]}'),
    Ask("account A INFO filter", f"{ACCOUNT}.A.INFO", '{"server_name":"x"}'),
    Ask("account A CONNS body", f"{ACCOUNT}.A.CONNS", '{"acc":"A"}'),
    Ask("account A CONNS other", f"{ACCOUNT}.A.CONNS", '{"acc":"B"}'),
    Ask("account A CONNS bad", f"{ACCOUNT}.A.CONNS", "{bad"),
    *(Ask(f"statz of all {body}", f"{ACCOUNT}.PING.STATZ", body) for body in STATZ),
    *(Ask(f"nsubs {body}", f"{ACCOUNT}.NSUBS", body) for body in NSUBS),
    # From other accounts.
    *(Ask(f"from {user} {subject} {body}", subject, body, user)
      for user in ("b", "a")
      for subject, body in (
          (f"{PING}.CONNZ", ""), (f"{PING}.CONNZ", '{"acc":"C","auth":true}'),
          (f"{ACCOUNT}.PING.CONNZ", '{"auth":true}'), (f"{ACCOUNT}.PING.STATZ", ""),
          (f"{ACCOUNT}.PING.STATZ", '{"accounts":["C"]}'), (PING, ""), (f"{PING}.VARZ", ""),
          (f"{DIRECT}.KICK", '{"cid":1}'), (f"{ACCOUNT}.B.CONNZ", ""), (f"{PING}.STATSZ", ""),
          ("$SYS.REQ.USER.INFO", ""), ("$SYS.REQ.USER.B.INFO", ""), (f"{ACCOUNT}.B.INFO", ""),
      )),
    Ask("user info", "$SYS.REQ.USER.INFO", user="narrow"),
    Ask("user info of sys", "$SYS.REQ.USER.INFO"),
    Ask("user info of sys about A", "$SYS.REQ.USER.A.INFO"),
    Ask("user info with a body", "$SYS.REQ.USER.INFO", "{bad", "c"),
    Ask("user info of do.t", "$SYS.REQ.USER.INFO", user="dot"),
    Ask("connz of do.t", f"{PING}.CONNZ", user="dot"),
    *(Ask(f"subscribers {body!r}", "$SYS.DEBUG.SUBSCRIBERS", body, "a") for body in SUBSCRIBERS),
    Ask("subscribers without import", "$SYS.DEBUG.SUBSCRIBERS", "foo", "b"),
    Ask("subscribers of sys", "$SYS.DEBUG.SUBSCRIBERS", "foo"),
    # Clients and the server.
    *(Ask(f"{name} {body}", f"{DIRECT}.{name}", body)
      for name in ("KICK", "LDM")
      for body in ('{"cid":999999}', "", "{bad", "{}", '{"cid":"x"}', '{"cid":-1}', "null",
                   '{"cid":999999,"server_name":"x"}')),
    Ask("reload", f"{DIRECT}.RELOAD"),
    Ask("reload elsewhere", f"{DIRECT}.RELOAD", '{"server_name":"x"}'),
    Ask("reload with garbage", f"{DIRECT}.RELOAD", "{bad"),
    # JetStream's.
    *(Ask(f"system {name}", f"$JS.API.{name}", body)
      for name, body in (
          ("ACCOUNT.PURGE.NOPE", ""), ("SERVER.REMOVE", '{"peer":"x"}'),
          ("META.LEADER.STEPDOWN", ""),
          ("ACCOUNT.STREAM.MOVE.A.S", ""), ("ACCOUNT.STREAM.CANCEL_MOVE.A.S", ""), ("INFO", ""),
          ("ACCOUNT.PURGE", ""), ("STREAM.NAMES", ""),
      )),
    Ask("purge from elsewhere", "$JS.API.ACCOUNT.PURGE.A", user="a"),
]  # fmt: skip

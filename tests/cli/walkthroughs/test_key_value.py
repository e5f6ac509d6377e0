"""The key-value store."""
# ruff: noqa: E501 - screens are as wide as they are
# fmt: off

from __future__ import annotations

from tests.cli.preloading import preload
from tests.cli.walkthroughs.lines import Line, Seen, User

preload("kv", also=("pynats_cli.jetstream.kv.screens",))

LINES = (
    Line("nats kv add my-kv", """
        Information for Key-Value Store Bucket my-kv created <time>

        Configuration:

                    Bucket Name: my-kv
                   History Kept: 1
                  Values Stored: 0
                     Compressed: false
          Per-Key TTL Supported: false
             Backing Store Kind: JetStream
                    Bucket Size: 0 B
            Maximum Bucket Size: unlimited
             Maximum Value Size: unlimited
                    Maximum Age: unlimited
               JetStream Stream: KV_my-kv
                        Storage: File

        Cluster Information:

                           Name:
                         Leader: <key>"""),
    Line("nats kv put my-kv Key1 Value1", "Value1"),
    Line("nats kv get my-kv Key1", """
        my-kv > Key1 revision: 1 created @ <time>

        Value1"""),
    Line("nats kv del my-kv Key1 -f", ""),
    Line("nats kv del my-kv Nothing -f", ""),
    Line("nats kv add my-sem --history 5", """
        Information for Key-Value Store Bucket my-sem created <time>

        Configuration:

                    Bucket Name: my-sem
                   History Kept: 5
                  Values Stored: 0
                     Compressed: false
          Per-Key TTL Supported: false
             Backing Store Kind: JetStream
                    Bucket Size: 0 B
            Maximum Bucket Size: unlimited
             Maximum Value Size: unlimited
                    Maximum Age: unlimited
               JetStream Stream: KV_my-sem
                        Storage: File

        Cluster Information:

                           Name:
                         Leader: <key>"""),
    Line("nats kv create my-sem Semaphore1 Value1", "Value1"),
    Line("nats kv create my-sem Semaphore1 Value1", "pynats: error: wrong last sequence: 1: key exists (10071)", code=1),
    Line("nats kv del my-sem Semaphore1 -f", ""),
    Line("nats kv create my-sem Semaphore1 Value1", "Value1"),
    Line("nats kv update my-sem Semaphore1 Value2 3", "Value2"),
    Line("nats kv update my-sem Semaphore1 Value2 3", "pynats: error: wrong last sequence: 4: key revision mismatch (10071)", code=1),
    Line("nats kv get my-sem Semaphore1 --raw", "Value2"),
    Line("nats kv history my-sem Semaphore1", """
        │ History for my-sem > Semaphore1 │
        │ Key │ Revision │ Op │ Created │ Length │ Value │
        │ Semaphore1 │ 1 │ PUT │ <time> │ 6 │ Value1 │
        │ Semaphore1 │ 2 │ DELETE │ <time> │ 0 │ │
        │ Semaphore1 │ 3 │ PUT │ <time> │ 6 │ Value1 │
        │ Semaphore1 │ 4 │ PUT │ <time> │ 6 │ Value2 │"""),
    Line("nats kv watch my-kv", """
        [<time>] DELETE my-kv > Key1
        [<time>] DELETE my-kv > Nothing""", stays='w'),
    Line("nats kv put my-kv Key1 Value2", "Value2"),
    Seen("w", """
        [<time>] DELETE my-kv > Key1
        [<time>] DELETE my-kv > Nothing
        [<time>] PUT my-kv > Key1: Value2"""),
    Line("nats kv ls my-kv", "Key1"),
    Line("nats kv ls", """
        │ Key-Value Buckets │
        │ Bucket │ Description │ Created │ Size │ Values │ Last Update │
        │ my-kv │ │ <time> │ 132 B │ 2 │ <age> │
        │ my-sem │ │ <time> │ 425 B │ 4 │ <age> │"""),
    Line("nats kv info my-kv", """
        Information for Key-Value Store Bucket my-kv created <time>

        Configuration:

                    Bucket Name: my-kv
                   History Kept: 1
                  Values Stored: 2
                     Compressed: false
          Per-Key TTL Supported: false
             Backing Store Kind: JetStream
                    Bucket Size: 132 B
            Maximum Bucket Size: unlimited
             Maximum Value Size: unlimited
                    Maximum Age: unlimited
               JetStream Stream: KV_my-kv
                        Storage: File

        Cluster Information:

                           Name:
                         Leader: <key>"""),
    Line("nats kv purge my-sem Semaphore1 -f", ""),
    Line("nats kv rm my-kv -f", ""),
    Line("nats kv get my-kv Key1", "pynats: error: nats: bucket not found", code=1),
    Line("nats stream ls -a", """
        │ Streams │
        │ Name │ Description │ Created │ Messages │ Size │ Last Message │
        │ KV_my-sem │ │ <time> │ 1 │ 106 B │ <age> │"""),
)


def test_key_value(user: User) -> None:
    user.follow(LINES)

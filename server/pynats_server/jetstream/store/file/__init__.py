"""Streams on disk, in nats-server's folder layout.

`folder` has a stream's files, `recover` reads them when the store is opened, `diskblocks` reads
blocks back later, `writing` appends, `filestore` removes and is the store; `saved_index` keeps
index.db, `group_commit` and `syncthread` sync (and `sync_times` measures it),
`meta` writes configurations, `snapshot` is a folder as an archive. `disk` is the disk itself, which
tests replace.

For `store.opening`. The rest of JetStream uses `disk`, `meta` and `snapshot` for folders that are
no store yet or no more, and `config`.
"""

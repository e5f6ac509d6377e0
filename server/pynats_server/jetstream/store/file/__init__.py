"""Streams on disk, in nats-server's folder layout.

`filestore` is the store. `folder` has a stream's files, `starting` reads them when it is opened,
`diskblocks` reads blocks back later, `writing` appends; `rewriting` gives a block's file another
content, and `burying` removes one. `keeping` has what lies beside the blocks (sources.db, lost.db),
and `saved_index` index.db. `syncing` makes all of it durable. `discarding` removes folders that
nobody looks into any more, `meta` writes configurations, `snapshot` is a folder as an archive.
`disk` is the disk itself, which tests replace, and `config` how a stream is kept.

For `store.opening`. The rest of JetStream uses `disk`, `meta` and `snapshot` for folders that are
no store yet or no more, and `config`.
"""

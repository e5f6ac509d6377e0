"""JWTs in files, one for each account, in nats-server's layout: `<folder>/<account>.jwt`.

`files` is the disk, `folder` what lies there, `index` what is known of it, `store` all that without
waiting on the loop. `full` and `cache` are the two resolvers; `merging` says which of two claims
counts, `packs` how servers exchange all they have.
"""

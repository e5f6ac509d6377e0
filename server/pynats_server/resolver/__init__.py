"""Where the JWTs of accounts come from, in operator mode.

`base` is what a resolver is. `memory` knows those of the configuration, `url` asks a web server,
`directory` keeps them in files: all of them (`directory.full`, which other servers ask, and which
takes over what they have) or those that were needed (`directory.cache`). `lookups` bounds what is
asked of others, `making` chooses.

A resolver hands out texts. Whether they count is what the accounts say that it is made with.
"""

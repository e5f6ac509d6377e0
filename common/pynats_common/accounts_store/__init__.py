"""The store of operators, accounts, users and keys that `nsc` and `nats auth` share.

Folders of JWTs (`store`), seeds (`keystore`, and `keyring` with those to come), who changes them
(`locks`), and the files below both (`files`).
"""

"""Shared config and credential library: NATS config grammar, units, subjects, NKeys, JWT claims,
creds files, contexts. Depends on nothing else of this project; server and tools build on it."""

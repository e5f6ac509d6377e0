"""Bytes of the client protocol, without a connection: what clients send (`wire`), header blocks
(`headers`), control lines of deliveries (`framing`) and whole runs of them (`runs`), subjects that
belong to servers (`reserved`)."""

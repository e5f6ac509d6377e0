"""Sockets: where they listen (`address`), accepting (`listener`), one connection that reads and
writes (`connection`), with what waits to be written (`output`); and what threads report
(`descriptor`)."""

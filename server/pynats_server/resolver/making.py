"""The resolver that a configuration asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pynats_server.options import ResolverOptions
from pynats_server.resolver.base import Check, Peers, Resolver, ResolverError
from pynats_server.resolver.memory import MemoryResolver

if TYPE_CHECKING:
    import ssl

    from pynats_server.resolver.directory.resolver import Log


def make_resolver(
    options: ResolverOptions, check: Check, peers: Peers, log: Log,
    tls: ssl.SSLContext | None = None,
) -> Resolver:  # fmt: skip
    """One that is not started. Each kind is loaded when it is needed. `tls` is for a web server,
    None = as the system trusts. Raises ResolverError."""
    if options.kind == "url":
        return _url(options, tls)
    if options.kind in ("full", "cache"):
        return _directory(options, check, peers, log)
    return MemoryResolver(options.preload)


def _url(options: ResolverOptions, tls: ssl.SSLContext | None) -> Resolver:
    from pynats_server.resolver.url import UrlResolver

    if options.preload:
        raise ResolverError(
            "resolver preloads only available for writeable resolver types MEM/DIR/CACHE_DIR"
        )
    return UrlResolver(options.url, timeout_s=options.timeout, tls=tls)


def _directory(options: ResolverOptions, check: Check, peers: Peers, log: Log) -> Resolver:
    from pynats_server.resolver.directory.cache import DEFAULT_LIMIT, CacheResolver
    from pynats_server.resolver.directory.folder import JwtFolder
    from pynats_server.resolver.directory.full import FullResolver
    from pynats_server.resolver.directory.store import JwtStore

    if options.dir is None:
        raise ResolverError("dir has no value and needs to point to a directory")
    evicts = options.kind == "cache"
    limit = options.limit if options.limit > 0 else 0
    store = JwtStore(
        JwtFolder(options.dir), check, limit=limit or (DEFAULT_LIMIT if evicts else 0),
        evicts=evicts, ttl_s=options.ttl if evicts else 0.0,
    )  # fmt: skip
    if evicts:
        cache = CacheResolver(store, peers, log, timeout_s=options.timeout, preload=options.preload)
        cache.ttl_s = options.ttl
        return cache
    full = FullResolver(store, peers, log, timeout_s=options.timeout, preload=options.preload)
    full.deletes, full.keeps = options.allow_delete, not options.hard_delete
    full.interval_s = options.interval if options.interval > 0 else FullResolver.interval_s
    return full

"""The way of a published message into a stream, and of its acknowledgement out.

`ingest` (compiled) takes what is plain. `slow_path` takes single messages that need more, `batch`
those of batches; both ask the same rules. `marks` reads of the headers (`core.protocol.headers`)
what the compiled rules ask for. For streams and their features.

    rule                               stands in
    sealed, source header              slow_path
    size of message and headers        checks: fit
    storage of server and account      checks: storage
    expected stream, ids, sequences    checks: expect, identify
    duplicates                         msgids
    rollup                             checks: is_fit_rollup
    TTL                                message_ttl; whether allowed: checks, batch.checks
    counters                           counters, slow_path
    schedules                          stream.schedules
    discard new                        checks: limit, for batches staged_limit
"""

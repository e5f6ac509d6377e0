"""JetStream: streams that keep what they acknowledge.

`manager` is JetStream of one server, `account` that of one account; the server starts them and
reloads them through `enablement`, monitoring asks their `figures`. Inside, parts take a `context`
(what a server or an account shares) or a `stream.host.StreamHost`, never the whole.

Rooms, each of which may use those above it:

    store               bytes on disk and in memory; knows nothing of the rest
    config, requests    stream configurations and their rules; from JSON to typed objects
    publish, stream     what published messages pass; one stream and its features
    api                 the `$JS.API.>` subjects
"""

"""JetStream: streams that keep what they acknowledge.

`manager` is JetStream of one server, `account` that of one account; the server starts them and
reloads them through `enablement`, monitoring asks their `figures`. Inside, parts take a `context`
(what a server or an account shares) or a `stream.host.StreamHost`, never the whole.

Rooms; who may use which is in tests/unit/test_layout.py:

    store               bytes on disk and in memory; knows nothing of the rest
    config, requests    stream configurations and their rules; from JSON to typed objects
    publish, stream     what published messages pass; one stream and its features
    consumer            who reads a stream; streams and consumers know parts of each other
    direct              requests for single messages, answered where they arrive
    folders             where streams lie on the disk, before there are any
    api                 the `$JS.API.>` subjects
    inspection          a folder that no server has open
"""

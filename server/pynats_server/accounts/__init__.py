"""Accounts, separate subject spaces, and what they share with each other.

`registry` holds the accounts of one server. What a configuration says of exports, imports and
mappings becomes a `plan` (with `offers`, `names`, `cycles`), to which come the imports that every
account has (`automatic`); `wiring` and `mappings` put it in force. `request_info` says who asks;
`latency` measures requests, as `sampling` says; `parents` is what is done with traces from
elsewhere. The rest of the server, JetStream included, uses this room; it depends only on the
options, the data plane, `subjects` and `said`.
"""

"""Accounts: separate subject spaces, and what they share with each other.

`registry` holds the accounts of one server. What they share is checked before it is in force:
`plan` asks `offers` (what an account exports), `names` (both names of an import) and `cycles`
(imports that lead back to where they began). `wiring` puts a plan into force and changes it while
it is in use, with `mappings` of subjects, `parents` (whose messages are traced) and what every
account imports of the system account (`automatic`). Exporters hear who asks (`request_info`) and
how long answers take (`latency`, also of requests that `sampling` finds marked).

The server plans and wires; whoever needs an account looks it up in the registry. This room knows
the options, `subjects`, `said` and the data plane.
"""

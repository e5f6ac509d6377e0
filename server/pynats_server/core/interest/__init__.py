"""Who gets a subject: subscriptions, and the list that finds them (`sublist`, `match`, `groups`,
`listing`); what a `message` is, and how its subject gets another name (`rename`, `mapping`).

Used by all of the data plane and by compiled subscribers elsewhere; knows no connections and no
accounts.
"""

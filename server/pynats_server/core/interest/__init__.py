"""Who gets a subject: subscriptions, and the list that finds them.

A `sublist` has the `subscription`s of one account, those of one subject as `groups`; what it finds
for a `message` is a `match`, and `listing` goes through all of it. `rename` makes one subject of
another, and `mapping` says which are. Used by all of the data plane and by compiled subscribers
elsewhere; knows no connections and no accounts.
"""

"""What makes written bytes durable, and what may happen after that.

`group_commit` has one write and few syncs for all that is committed in a turn, and runs the file
work that must wait for a sync. `syncthread` has the threads that sync, make and remove folders, and
never hold the interpreter lock; `ends` brings what they report into a turn, and `sync_times` counts
how long syncs took. Used by all of the store.
"""

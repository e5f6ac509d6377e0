"""Where JetStream's streams lie on the disk.

`root` is the folder of them all, checked, made and locked before anything reads it; `streams` opens
those of an account, `moving` moves, looks through and puts aside their folders, and `keys` brings
them under the configured key before they are opened. Most of it waits for the disk, so threads do
it. For accounts, the manager, the API's removals, and the server at its start; knows no stream.
"""

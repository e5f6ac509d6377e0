"""The system account: what a server tells there by itself (`events`), and what it answers there
(`services`).

`Events` is told by the parts of the server; nobody else publishes in the system account's name.
"""

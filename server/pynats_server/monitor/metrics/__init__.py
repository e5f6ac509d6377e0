"""/metrics: the server's figures for Prometheus.

`text` writes the two formats that Prometheus reads; `entities` has the families that have a series
for each account, stream or consumer, and keeps them within `metrics { max_series }`. The figures
are made by `server`, `accounts`, `streams`, `slow`; `page` puts them together.
"""

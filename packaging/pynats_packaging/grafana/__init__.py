"""The dashboard for Grafana, packaging/prometheus/dashboard.json, from a table of its panels."""

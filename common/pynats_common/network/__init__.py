"""Addresses of servers, and TLS towards them."""

"""Searching what a stream holds: `scan` reads it in large steps, `conditions` choose, `results`
show. Nothing is kept in memory but what is being looked at."""

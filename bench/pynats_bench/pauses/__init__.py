"""How long does one tenant wait while another does its worst?
`python -m pynats_bench.pauses` measures both servers and prints the table of
docs/explanation/pauses.md.

`probe` is the waiting client, a process of its own; `cases` is what the other tenant does.
"""

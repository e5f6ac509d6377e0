"""What a stream's folder holds when its store is opened.

`recover` reads index.db, and `replaying` what was written after it; where that does not fit the
files, `rebuilding` reads every block. Both give what they have `found`. For the file store, and for
tools that look at a folder while no server has it open.
"""

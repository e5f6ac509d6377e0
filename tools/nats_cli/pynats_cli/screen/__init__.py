"""Everything that a person sees or is asked: lines, bodies, tables, columns, questions."""

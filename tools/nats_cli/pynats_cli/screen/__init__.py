"""Everything that a user sees: lines, bodies, tables, columns, questions."""

"""Finding things in a stream without holding up anybody.

`queries` are the questions as sliced work, for stores of either kind; compiled below them are
`scanning`, steps through the records, and `subjectwalk`, steps through the tree of subjects, for
the filters of a `filters.FilterSet`. Nothing here changes a stream.
"""

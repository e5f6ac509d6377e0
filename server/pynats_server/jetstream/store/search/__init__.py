"""Finding things in a stream without holding up anybody.

`queries` are the questions as sliced work, for stores of either kind; compiled below them are
`scanning`, steps through the records, and `subjectwalk`, steps through the tree of subjects, for
the filters of a `filters.FilterSet`. `counts` are exact answers: its counters (`tally`, `newest`)
are told of what changes while they work. `seeker` is what a reader calls for every message. Both
pass over messages by a block's `column` of subject ids, which a `mask` compares with filters.
Nothing here changes a stream.
"""

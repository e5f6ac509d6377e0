"""What takes messages out of a stream of either kind, in steps, and gives the memory back.

`removing` is deletes and purges, `limiting` brings a stream within its limits on top of it, and
`disposal` frees in a thread what nobody refers to any more. `base.BlockStore` builds on them.
"""

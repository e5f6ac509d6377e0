"""What is in the folder of a store that no server has open: for operators, when something is
damaged. `places` finds the streams and keeps servers away, `report` is what is known of a stream,
`reading` finds it out without changing a byte, `mending` changes what an operator asks for.
"""

"""Every kind of work of a store on a disk that fails at any of its operations, and a model.

`model` predicts what each operation leaves, `work` draws operations, `play` carries them out on a
store. `kinds` are the kinds of work; `cases` plays one while the disk fails, ends the store (by a
close, a kill, a power cut) and opens it again; `verdict` and `erased` compare what it has then with
the model. `matrix` says which cases there are and samples them, `known` which promises are known
not to hold. `python -m tests.faults.run` plays any of them.
"""

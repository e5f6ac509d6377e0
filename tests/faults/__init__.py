"""Every kind of work of a store on a disk that fails at any of its operations, and a model.

`model` predicts what each operation leaves, `work` draws the operations of a kind of work, `play`
carries them out on a store, lets the disk fail, ends the store (closed, killed, without power) and
opens it again; `verdict` compares with the model. `matrix` says which cases there are and samples
them, `known` which of them are known not to hold. `python -m tests.faults.run` plays any of them.
"""

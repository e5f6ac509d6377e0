"""What every program of the toolbox needs around its work: how it runs, where its files are."""

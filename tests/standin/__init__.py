"""What CuPy takes and refuses, for machines without a GPU.

`snapshot.json` holds the names, signatures and ufuncs of one CuPy release, read from its wheel by `make_snapshot.py`.
"""

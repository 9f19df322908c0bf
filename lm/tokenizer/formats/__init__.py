"""Tokenizer files of other projects, a format a module, each with `read` and `write`; `tokenizer.files` calls them.

Nothing in a file is run, split patterns are recognized and never compiled, and what is wrong is a ValueError.
"""

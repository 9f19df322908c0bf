"""Language models on minigrad: tokenizers, data, Transformers, training and generation.

Importing this package imports nothing else: each part is loaded when it is asked for.
"""

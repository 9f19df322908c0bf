"""Data: where text comes from (`text`), how it becomes token shards (`corpus`), and batches of them (`batches`)."""

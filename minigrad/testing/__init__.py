"""The gradient checker: certified numeric derivatives, and what they say of a backward."""

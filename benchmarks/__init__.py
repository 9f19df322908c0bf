"""Side-by-side measurements against peers. Nothing here is imported by the packages or their tests."""

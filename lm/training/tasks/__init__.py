"""What each family learns, one file for each: see `lm/training/task.py` for what a task is."""

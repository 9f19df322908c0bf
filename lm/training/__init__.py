"""Training: the loop, its checkpoints, and what keeps a run safe."""

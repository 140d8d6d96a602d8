"""Training of networks: batches, courses, snapshots, folds."""

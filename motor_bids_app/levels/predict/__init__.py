"""The predict level: apply a model bundle to new people."""

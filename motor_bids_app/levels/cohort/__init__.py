"""Who takes part in a model, and with what: shared by group and predict."""

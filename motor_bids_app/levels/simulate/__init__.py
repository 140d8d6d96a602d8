"""The simulation level: a synthetic cohort with known truth, as a BIDS dataset."""

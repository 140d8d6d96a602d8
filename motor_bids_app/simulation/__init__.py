"""The synthetic stroke cohort with known truth."""

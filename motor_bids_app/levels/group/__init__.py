"""The group level: evaluate, train and explain models, and save them."""

"""How fitted models are built inside, for explanation."""

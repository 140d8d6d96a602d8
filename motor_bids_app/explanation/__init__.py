"""What fitted models look at: attribution maps, and checks of whether they mean anything."""

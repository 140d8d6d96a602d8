"""What models look at, and states of connectivity."""

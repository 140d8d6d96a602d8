"""What models looked at, collected while they are evaluated."""

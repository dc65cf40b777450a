"""vibethinker."""

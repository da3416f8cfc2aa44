"""Training: losses, what one step learns from, and the loop around it."""

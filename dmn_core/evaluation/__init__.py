"""How well it localizes: protocols, metrics and pictures."""

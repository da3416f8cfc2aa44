"""Simulated worlds, where the truth is known."""

"""Simulated city blocks, seen in panoramas at two visits."""

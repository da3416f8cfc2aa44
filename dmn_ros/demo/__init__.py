"""The whole job on the shipped bags: real nodes in their own processes, a table and pictures."""

from __future__ import annotations

from dmn_ros.demo.command import main

__all__ = ["main"]

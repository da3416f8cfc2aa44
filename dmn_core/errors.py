"""Errors of the library: one root, one subclass per subsystem.

Messages say what was wanted, what came and what to do next.
"""

from __future__ import annotations


class DmnError(Exception):
    """Root of every error that this project raises on purpose."""


class ConfigurationError(DmnError):
    """A configuration value is missing, unknown or out of range."""


class CheckpointError(DmnError):
    """A weights file cannot be read, or does not fit the code that reads it."""


class MapError(DmnError):
    """A view-embedding map is malformed or was made by other weights."""


class WorldError(DmnError):
    """A simulated world cannot be generated or rendered."""


class BagError(DmnError):
    """A bag is missing, damaged, or lacks what was asked of it."""


class DecodingError(DmnError):
    """A ROS message holds something that cannot be converted."""


class CameraError(DmnError):
    """A camera's calibration is missing, malformed or of no use to the network."""


class TrackError(DmnError):
    """A pose was asked for at a time that a pose track does not cover."""


class DataError(DmnError):
    """A data set is missing, damaged or of the wrong shape."""

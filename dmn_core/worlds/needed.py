"""What simulated worlds need besides the package's own requirements."""

from __future__ import annotations

from dmn_core.errors import WorldError


def lacking(package: str, *, what: str) -> WorldError:
    """The error where a package cannot be imported, with what to do.

    Args:
        package: that is missing.
        what: needs it, in the plural.
    """
    return WorldError(
        f"{what} need the package {package}; install it with `pip install labmaze mujoco`"
    )

"""Headless OpenGL for MuJoCo: the import and the one context of a process."""

from __future__ import annotations

import os
from functools import lru_cache
from types import ModuleType
from typing import Any

from dmn_core.errors import WorldError
from dmn_core.worlds.needed import lacking

_EGL_HELP = (
    "cannot start headless OpenGL (MUJOCO_GL={backend!r}): {error}. "
    "On Debian or Ubuntu install EGL: apt-get install libegl1 libgl1-mesa-dri"
)


def import_mujoco() -> ModuleType:
    """Return the module `mujoco`, set up for headless rendering where no display is there.

    Raises:
        WorldError: when it is not installed or its OpenGL library is missing.
    """
    if "MUJOCO_GL" not in os.environ and "DISPLAY" not in os.environ:
        os.environ["MUJOCO_GL"] = "egl"
    try:
        import mujoco
    except ImportError as error:
        if error.name == "mujoco":
            raise lacking("mujoco", what="pictures") from error
        raise _gl_error(error) from error
    except (AttributeError, RuntimeError, OSError) as error:
        raise _gl_error(error) from error
    return mujoco


@lru_cache(maxsize=1)
def _gl_context() -> Any:
    """Create the one OpenGL context of this process, which all renderers share."""
    mujoco = import_mujoco()
    try:
        if os.environ.get("MUJOCO_GL") == "egl":
            # MuJoCo settles its own choice at import, which may have been before ours.
            from mujoco.egl import GLContext

            return GLContext(64, 64)
        return mujoco.GLContext(64, 64)
    except Exception as error:  # the back ends raise many unrelated types
        raise _gl_error(error) from error


def make_gl_current() -> None:
    """Make the OpenGL context of this process current; created at the first call.

    Raises:
        WorldError: when no OpenGL can be started.
    """
    _gl_context().make_current()


def _gl_error(error: Exception) -> WorldError:
    return WorldError(_EGL_HELP.format(backend=os.environ.get("MUJOCO_GL"), error=error))

# The environment of this checkout: the virtual environment, ROS 2 and the built package.
# Source it: `. tools/env.sh` (bash: from any folder; other shells: from the checkout's top folder).

# shellcheck shell=sh disable=SC3028
if [ -n "${BASH_VERSION:-}" ]; then
    _dmn_root=$(cd "$(dirname "$BASH_SOURCE")/.." && pwd)
else
    _dmn_root=$PWD
fi
if [ ! -f "$_dmn_root/tools/env.sh" ]; then
    echo "env.sh was sourced in $_dmn_root: go to the checkout's top folder first" >&2
    unset _dmn_root
    return 1
fi
_dmn_venv=${DMN_VENV:-$_dmn_root/.venv}
case "$_dmn_venv" in /*) ;; *) _dmn_venv=$_dmn_root/$_dmn_venv ;; esac

# An installed ROS that happens to be sourced would put its libraries among the wheels'.
_dmn_without_ros() {
    printf '%s' "$1" | tr ':' '\n' | { grep -v '^/opt/ros/' || :; } | paste -s -d : -
}
PATH=$(_dmn_without_ros "$PATH")
PYTHONPATH=$(_dmn_without_ros "${PYTHONPATH:-}")
LD_LIBRARY_PATH=$(_dmn_without_ros "${LD_LIBRARY_PATH:-}")
export PYTHONPATH LD_LIBRARY_PATH
[ -n "$PYTHONPATH" ] || unset PYTHONPATH
[ -n "$LD_LIBRARY_PATH" ] || unset LD_LIBRARY_PATH # an empty entry would mean the current folder
unset ROS_DISTRO ROS_VERSION ROS_PYTHON_VERSION

# Scripts of `lib/dmn` start with `env python3`, so the virtual environment comes first.
VIRTUAL_ENV=$_dmn_venv
PATH=$_dmn_venv/bin:$PATH
export VIRTUAL_ENV PATH

# setup.sh of the overlay does not chain to the wheels' prefix.
AMENT_PREFIX_PATH=$_dmn_venv
CMAKE_PREFIX_PATH=$_dmn_venv
export AMENT_PREFIX_PATH CMAKE_PREFIX_PATH

# The wheels' bootstrapper must run again with this environment's library path.
unset _ROS_WHEELS_BOOTSTRAP_COMPLETE

# MuJoCo renders without a display.
export MUJOCO_GL="${MUJOCO_GL:-egl}"

# The overlay's own files read variables that are not set.
case $- in *u*) _dmn_nounset=-u ;; *) _dmn_nounset=+u ;; esac
set +u
unset COLCON_CURRENT_PREFIX
if [ -f "$_dmn_root/install/local_setup.bash" ] && [ -n "${BASH_VERSION:-}" ]; then
    . "$_dmn_root/install/local_setup.bash"
elif [ -f "$_dmn_root/install/local_setup.sh" ]; then
    COLCON_CURRENT_PREFIX=$_dmn_root/install
    . "$_dmn_root/install/local_setup.sh"
    unset COLCON_CURRENT_PREFIX
fi
set "$_dmn_nounset"
unset _dmn_root _dmn_venv _dmn_nounset
unset -f _dmn_without_ros

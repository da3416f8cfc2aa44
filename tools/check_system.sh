#!/usr/bin/env bash
# Check what pip cannot install; install it where that is allowed (root or sudo, with apt), and
# name the line to type otherwise. Usage: check_system.sh [PYTHON]
set -euo pipefail
python=${1:-python3}

fail() {
    printf 'check_system: %s\n' "$@" >&2
    exit 1
}

version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) ||
    fail "Python 3.10 to 3.12 is wanted and \`$python\` does not run." \
        "Install it (Debian and Ubuntu: apt-get install python3-venv python3-dev) or name one:" \
        "make PYTHON=/path/to/python3.11"
case "$version" in
3.10 | 3.11 | 3.12) ;;
*) fail "Python 3.10 to 3.12 is wanted (the maze generator has no wheel for others) and" \
    "\`$python\` is $version. Name another: make PYTHON=/path/to/python3.11" ;;
esac

missing=()
need() { # PACKAGE COMMAND...: the package is missing when the command fails
    local package=$1
    shift
    "$@" >/dev/null 2>&1 || missing+=("$package")
}
loads() { "$python" -c 'import ctypes, sys; ctypes.CDLL(sys.argv[1])' "$1"; }
has_python_header() {
    "$python" -c 'import os, sys, sysconfig
sys.exit(not os.path.isfile(os.path.join(sysconfig.get_path("include"), "Python.h")))'
}
has_gl_driver() {
    loads libEGL_nvidia.so.0 || compgen -G '/usr/lib*/*/dri/*_dri.so' ||
        compgen -G '/usr/lib*/dri/*_dri.so'
}

find_missing() {
    missing=()
    need g++ command -v c++
    need make command -v make
    need cmake command -v cmake
    need python3-dev has_python_header
    need python3-venv "$python" -c 'import ensurepip, venv'
    need libgl1 loads libGL.so.1              # opencv-python
    need libglib2.0-0 loads libgthread-2.0.so.0 # opencv-python
    need libegl1 loads libEGL.so.1            # MuJoCo, rendering without a display
    need libgl1-mesa-dri has_gl_driver        # MuJoCo, rendering without a GPU
}

find_missing
[ ${#missing[@]} -eq 0 ] && exit 0

line="apt-get install -y --no-install-recommends ${missing[*]}"
echo "Missing system packages: ${missing[*]}"
command -v apt-get >/dev/null || fail "this system has no apt-get: install the equivalents of these" \
    "Debian packages with its own package manager, then run make again: ${missing[*]}"
if [ "$(id -u)" -eq 0 ]; then
    as_root=(env)
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    as_root=(sudo)
else
    fail "installing them takes root; type this line, then run make again:" "sudo $line"
fi
"${as_root[@]}" apt-get update -qq || true
# shellcheck disable=SC2086
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive $line ||
    fail "this line failed; mend what it says above, then run make again:" "$line"

find_missing
[ ${#missing[@]} -eq 0 ] || fail "still not found by $python after installing: ${missing[*]}" \
    "(headers and venv belong to the distribution's own python3: make PYTHON=/usr/bin/python3)"

#!/usr/bin/env bash
# Build the ROS 2 package into ./install. Further arguments go to `colcon build`.
# The stand-in below interfaces/ is built along only where the real tf2_msgs is absent.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

has_package() {
    local prefix
    while IFS= read -r -d ':' prefix; do
        case "$prefix" in '' | "$PWD"/install*) continue ;; esac
        [ -f "$prefix/share/$1/package.xml" ] && return 0
    done <<<"${AMENT_PREFIX_PATH:-}:"
    return 1
}

packages=(.)
if ! has_package tf2_msgs; then
    echo "tf2_msgs is not installed: building the stand-in interfaces/tf2_msgs"
    packages+=(interfaces/tf2_msgs)
fi

# Links instead of copies: an edited Python file counts without another build.
if ! colcon build --symlink-install --base-paths "${packages[@]}" \
    --event-handlers console_direct- console_cohesion- --cmake-args -DBUILD_TESTING=OFF "$@"; then
    echo "colcon build failed; its last messages (all of them: log/latest_build/):" >&2
    tail -n 40 log/latest_build/*/stderr.log >&2
    exit 1
fi

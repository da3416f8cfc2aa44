"""Parameter files of nodes that live in a namespace."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from dmn_core.errors import ConfigurationError
from dmn_ros.scratch_file import scratch_file

OVERRULING = "launch_arguments.yaml"


def in_namespace(path: Path, namespace: str) -> str:
    """A file whose nodes are those of a namespace, as Nav2 reads such files.

    To ROS, `localizer:` at the top of a file is the node of that name in no namespace, so that
    the file would be passed over without a word. Names that begin with `/`, such as `/**`, and
    those below a namespace of the file's own are as they were.

    Args:
        path: YAML file.
        namespace: with or without a slash before it; empty: the file itself serves.

    Raises:
        ConfigurationError: it is no parameter file.
    """
    names = [
        name
        for name, section in sections(path).items()
        if isinstance(section, dict) and "ros__parameters" in section and not name.startswith("/")
    ]
    namespace = namespace.strip("/")
    if not namespace or not names:
        return str(path)
    text = path.read_text(encoding="utf-8")
    # By text: numbers such as 1e-6 are words to YAML's own rules, and would become some.
    for name in names:
        key = rf"^(['\"]?){re.escape(name)}\1(?=\s*:)"
        text = re.sub(key, f"/{namespace}/{name}", text, flags=re.MULTILINE)
    return scratch_file(text, path.name)


def overruling(parameters: dict[str, Any], *, node: str, namespace: str) -> str:
    """A file of parameters that hold whatever the files before it say.

    To ROS, a later section overrules an earlier one, and sections of one name are one section
    where the first of them stood: so they are said both of this node and of all nodes.

    Args:
        parameters: by name.
        node: name of the node.
        namespace: of the node, with or without a slash before it.
    """
    name = _joined(namespace, node)
    # Copies: what stands in a file twice would be an alias in YAML, and ROS reads none.
    said = {section: {"ros__parameters": copy.deepcopy(parameters)} for section in ("/**", name)}
    return scratch_file(yaml.safe_dump(said), OVERRULING)


def parameters_of(path: Path, *, node: str, namespace: str) -> dict[str, Any]:
    """What a file says of a node, as ROS would after `in_namespace`: later sections overrule.

    Args:
        path: YAML file.
        node: name of the node.
        namespace: of the node, with or without a slash before it.

    Raises:
        ConfigurationError: it is no parameter file.
    """
    full = _joined(namespace, node)
    found: dict[str, Any] = {}
    for name, parameters in _named(sections(path)):
        is_bare = not name.startswith("/") and "/" not in name
        if re.fullmatch(_pattern(_joined(namespace, name) if is_bare else name), full):
            found |= parameters
    return found


def _named(section: dict[Any, Any], above: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Names of nodes with their parameters, in the order of the file."""
    for key, inner in section.items():
        if not isinstance(inner, dict):
            continue
        name = f"{above.rstrip('/')}/{str(key).lstrip('/')}" if above else str(key)
        if isinstance(inner.get("ros__parameters"), dict):
            yield name, inner["ros__parameters"]
        elif "ros__parameters" not in inner:
            yield from _named(inner, name)


def _pattern(name: str) -> str:
    """What full names a section is of: `*` stands for one part of a name, `**` for any number."""
    wild = {"*": r"/[^/]+", "**": r"(?:/[^/]+)*"}
    parts = name.strip("/").split("/")
    return "".join(wild.get(part, "/" + re.escape(part)) for part in parts)


def _joined(*parts: str) -> str:
    return "/" + "/".join(stripped for part in parts if (stripped := part.strip("/")))


def sections(path: Path) -> dict[str, Any]:
    """What stands at the top of a parameter file, by name.

    Raises:
        ConfigurationError: it is no YAML, or something else than names.
    """
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        said = " ".join(str(error).split())
        raise ConfigurationError(f"{path} is no YAML file: {said}") from error
    if not isinstance(found or {}, dict):
        raise ConfigurationError(f"{path} wants names of nodes at its top, got {found!r}")
    return {str(name): section for name, section in (found or {}).items()}

"""What the documents name exists: files, classes and functions, links, commands."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("[!.]*/README.md"), *(ROOT / "docs").rglob("*.md")])
TOP = {path.name for path in ROOT.iterdir()}
# Made by the commands that the documents describe, or by the user.
NOT_IN_THE_CHECKOUT = {"build", "install", "log", "results", "runs"}

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`\n]+)`")
NAMED = re.compile(r"([\w/]+\.py):([A-Za-z_][\w.]*)")
DOTTED = re.compile(r"(dmn_core|dmn_ros)(\.\w+)+")
PATH = re.compile(r"[\w.-]+(?:/[\w.-]+)+/?")
FENCE = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)


def slug(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@cache
def definitions(path: Path) -> dict[str, ast.AST]:
    return named_in(ast.parse(path.read_text(encoding="utf-8")).body)


def named_in(body: list[ast.stmt]) -> dict[str, ast.AST]:
    found: dict[str, ast.AST] = {}
    for node in body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            found[node.name] = node
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found[node.target.id] = node
        elif isinstance(node, ast.Assign):
            found.update((t.id, node) for t in node.targets if isinstance(t, ast.Name))
        elif isinstance(node, ast.ImportFrom):
            found.update((alias.asname or alias.name, node) for alias in node.names)
    return found


def is_defined(path: Path, name: str) -> bool:
    """Whether a module holds `name`, or the class `name.attribute`."""
    first, _, rest = name.partition(".")
    found = definitions(path)
    if first not in found or not rest:
        return first in found
    node = found[first]
    return isinstance(node, ast.ClassDef) and rest in named_in(node.body)


def dotted_exists(name: str) -> bool:
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        base = ROOT.joinpath(*parts[:length])
        module = base.with_suffix(".py") if base.with_suffix(".py").is_file() else base
        module = module / "__init__.py" if module.is_dir() else module
        if module.is_file():
            rest = ".".join(parts[length:])
            return not rest or is_defined(module, rest)
    return False


def is_path_of_ours(text: str) -> bool:
    return bool(PATH.fullmatch(text)) and text.split("/")[0] in TOP - NOT_IN_THE_CHECKOUT


def wrong_name(text: str) -> str | None:
    """What is wrong with a piece of code in a document, or None."""
    if named := NAMED.fullmatch(text):
        path = ROOT / named.group(1)
        if not path.is_file():
            return f"{text}: no such file"
        return None if is_defined(path, named.group(2)) else f"{text}: no such name"
    if DOTTED.fullmatch(text):
        return None if dotted_exists(text) else f"{text}: no such module or name"
    if is_path_of_ours(text) and not (ROOT / text).exists():
        return f"{text}: no such file"
    return None


def wrong_link(page: Path, target: str) -> str | None:
    """What is wrong with a link of a page, or None."""
    if re.match(r"\w+:", target):
        return None
    file, _, anchor = target.partition("#")
    path = (page.parent / file).resolve() if file else page
    if not path.exists():
        return f"{target}: no such file"
    if anchor and path.suffix == ".md":
        headings = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
        if anchor not in map(slug, headings):
            return f"{target}: no such heading"
    return None


def wrong_commands(text: str) -> list[str]:
    """Commands of ours that a document names and that do not exist."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"^([a-z]+):", makefile, re.MULTILINE)
    main = (ROOT / "dmn_core" / "cli" / "main.py").read_text(encoding="utf-8")
    subcommands = re.findall(r'^    "(\w+)": \w+Command,$', main, re.MULTILINE)
    found = [
        f"make {name}"
        for name in re.findall(r"(?:^|`)make ([a-z]+)", text, re.MULTILINE)
        if name not in targets
    ]
    found += [
        f"dmn {name}"
        for name in re.findall(r"(?:^|`)dmn ([a-z]+)", text, re.MULTILINE)
        if name not in subcommands
    ]
    for file, rest in re.findall(r"ros2 launch dmn (\S+)(.*)", text):
        path = ROOT / "launch" / file
        known = (ROOT / "dmn_ros" / "launching.py").read_text(encoding="utf-8")
        known += path.read_text(encoding="utf-8") if path.is_file() else ""
        found += [] if path.is_file() else [f"ros2 launch dmn {file}"]
        found += [f"{file} {a}:=" for a in re.findall(r"(\w+):=", rest) if f'"{a}"' not in known]
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_everything_named_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    prose = FENCE.sub("", text)
    wrong = [wrong_name(code) for code in CODE.findall(prose)]
    wrong += [wrong_link(page, target) for target in LINK.findall(prose)]
    wrong += wrong_commands(text)
    assert [entry for entry in wrong if entry] == []


def test_files_in_the_pipeline_picture_exist() -> None:
    picture = (ROOT / "docs" / "pipeline.svg").read_text(encoding="utf-8")
    named = re.findall(r">([\w/]+\.py)\b", picture)
    assert len(named) > 10
    homes = (ROOT, ROOT / "dmn_core", ROOT / "dmn_core" / "particle_filter")
    assert [name for name in named if not any((home / name).is_file() for home in homes)] == []


@pytest.mark.parametrize(
    "text",
    [
        "dmn_core/views.py:NoSuchClass",
        "dmn_core/no_such_module.py:ViewMap",
        "dmn_core/views.py:ViewMap.no_such_attribute",
        "dmn_core.views.NoSuchClass",
        "dmn_core.no_such_module",
        "docs/no_such_page.md",
    ],
)
def test_a_wrong_name_is_found(text: str) -> None:
    assert wrong_name(text) is not None


@pytest.mark.parametrize(
    "text",
    [
        "dmn_core/views.py:ViewMap.n_views",
        "dmn_core/views.py:Area",
        "dmn_core.views.ViewMap",
        "dmn_core.particle_filter.step",
        "docs/pipeline.svg",
        "runs/mazes/best.safetensors",
        "image/compressed",
    ],
)
def test_a_right_name_is_not(text: str) -> None:
    assert wrong_name(text) is None


@pytest.mark.parametrize("target", ["no_such_page.md", "README.md#no-such-heading", "#nor-this"])
def test_a_wrong_link_is_found(target: str) -> None:
    assert wrong_link(ROOT / "README.md", target) is not None


def test_a_wrong_command_is_found() -> None:
    text = "`make nonsense`, `dmn nonsense` and\nros2 launch dmn demo.launch.py nonsense:=1"
    assert len(wrong_commands(text)) == 3
    assert wrong_commands("`make demo`\ndmn replay a b") == []

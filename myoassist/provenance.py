"""What a result was made by: fingerprints of a stage's code and the versions of the packages it relies on.

Snakemake compares settings and input files by itself, but it never sees a change inside an imported package.
So every rule carries one string that changes if, and only if, something that could change its result does:
the syntax trees (no comments, no docstrings, no layout) of the modules that the stage imports, the other
files that lie beside them (templates), the classes of a user's own files that the experiment names, and the
versions of the third-party packages that do the stage's numerical work.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.metadata
import re
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from myoassist.errors import InputError

PACKAGE = "myoassist"

ENTRIES: dict[str, tuple[str, ...]] = {
    "build": ("myoassist.models.build",),
    "preprocess": ("myoassist.reference.preprocess",),
    "preprocess_figure": ("myoassist.reference.preprocess_figure",),
    "retarget": ("myoassist.reference.retarget",),
    "retarget_figure": ("myoassist.reference.retarget_figure",),
    "validate": ("myoassist.validation.checks",),
    "train": ("myoassist.training.segment",),
    "pretrained": ("myoassist.pretrained.taking",),
    "best": ("myoassist.training.best",),
    "evaluate": ("myoassist.evaluation.rollout",),
    "replay": ("myoassist.evaluation.video",),
    "analyze": ("myoassist.analysis.analyze",),
    "contact_sheet": ("myoassist.evaluation.contact_sheet",),
    "matrix_tables": ("myoassist.analysis.study.build",),
    "figures": ("myoassist.analysis.figures.render",),
    "report": ("myoassist.report.build",),
}
"""The module of each stage's function; everything that it imports, directly or not, is the stage's code."""

_WALKING = ("mujoco", "myoassist-terrains", "gymnasium", "stable-baselines3", "numpy", "numba", "h5py")

PACKAGES: dict[str, tuple[str, ...]] = {
    "build": ("mujoco", "assist-sim", "myo-sim", "myoassist-terrains", "numpy"),
    "preprocess": ("numpy", "h5py"),
    "preprocess_figure": ("matplotlib", "numpy", "h5py"),
    "retarget": ("mujoco", "numpy", "scipy", "h5py"),
    "retarget_figure": ("matplotlib", "numpy", "h5py"),
    "validate": (*_WALKING, "torch", "matplotlib"),
    "train": (*_WALKING, "sb3-contrib", "torch"),
    "pretrained": (),
    "best": (),
    "evaluate": (*_WALKING, "sb3-contrib", "torch"),
    "replay": ("mujoco", "imageio-ffmpeg", "numpy", "scipy", "pillow", "h5py"),
    "analyze": ("numpy", "scipy", "pandas", "pyarrow", "h5py"),
    "contact_sheet": ("mujoco", "numpy", "scipy", "pandas", "pyarrow", "pillow", "h5py"),
    "matrix_tables": ("numpy", "scipy", "pandas", "pyarrow"),
    "figures": ("matplotlib", "numpy", "pandas", "pyarrow", "h5py"),
    "report": ("jinja2", "markupsafe", "docutils", "pygments", "pillow"),
}
"""The third-party distributions whose version makes a stage's results stale."""

NOT_CODE = frozenset(
    {
        "myoassist",  # registers the environment ids, by name
        "myoassist.formats.kept",  # puts results back as they are
        "myoassist.provenance",  # only records what ran
        "myoassist.registration",
        "myoassist.retention",
        "myoassist.staleness",
    }
)
"""Modules that every stage may load without its results depending on them."""

NOT_CODE_BELOW = ("myoassist.bench", "myoassist.cli", "myoassist.config")
"""Packages left out whole: settings enter by value, so a new default is seen where it changes a value."""


def fingerprint(stage: str, classes: Iterable[str] = ()) -> str:
    """Describe the code and the package versions behind a stage's results.

    Args:
        stage: a rule's name, one of ``ENTRIES``.
        classes: classes named in the experiment, as ``package.module:Class`` or ``path/to/file.py:Class``.

    Returns:
        One line such as ``code=5f0c… mujoco=3.11.0 numpy=2.3.1``. Equal lines mean equal code.

    Raises:
        InputError: if a named class's file cannot be found or parsed.
    """
    return _fingerprint(stage, tuple(sorted(set(classes))))


@cache
def _fingerprint(stage: str, extra: tuple[str, ...]) -> str:
    digest = hashlib.sha256()
    for name, content in code_hashes(stage, extra).items():
        digest.update(f"{name}\0{content}\0".encode())
    words = [f"{package}={version}" for package, version in versions(stage).items()]
    return " ".join([f"code={digest.hexdigest()[:16]}", *words])


def code_hashes(stage: str, classes: Iterable[str] = ()) -> dict[str, str]:
    """Return what a fingerprint's hash is made of: the hash of every module and every class's file, by name.

    Raises:
        InputError: if a named class's file cannot be found or parsed.
    """
    extra = sorted(set(classes))
    modules = [module for name in extra if (module := _own_module(name)) is not None]
    hashes = {name: _module_hash(name) for name in sorted(closure((*ENTRIES[stage], *modules)))}
    return hashes | {name: _syntax_hash(class_file(name)) for name in extra if _own_module(name) is None}


def code_of(line: str) -> str:
    """Return the code's hash from a fingerprint."""
    return line.split(" ", 1)[0].removeprefix("code=")


@cache
def version(distribution: str) -> str:
    """Return an installed distribution's version, or ``none``."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "none"


def versions(stage: str) -> dict[str, str]:
    """Return the versions of the packages that matter to a stage, by distribution name."""
    return {package: version(package) for package in PACKAGES[stage]}


@cache
def closure(entries: tuple[str, ...]) -> frozenset[str]:
    """Return the names of the package's modules that count as the code of these entry modules.

    The walk follows every import statement, at a module's top or inside a function, and includes the packages
    that a module lies in; it stops at settings and at the named list.
    """
    graph = _import_graph()
    found: set[str] = set()
    waiting = [entry for entry in entries if not is_exempt(entry)]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        if name not in graph.modules:
            raise InputError(f"module {name} is not part of the package; expected one of its stages")
        found.add(name)
        parts = name.split(".")
        parents = [".".join(parts[:end]) for end in range(1, len(parts))]
        imported = [*graph.find_modules_directly_imported_by(name), *parents]
        waiting.extend(module for module in imported if not is_exempt(module))
    return frozenset(found)


def is_exempt(module: str) -> bool:
    """Tell whether a module may be loaded by a stage without counting as its code."""
    return module in NOT_CODE or any(
        module == package or module.startswith(f"{package}.") for package in NOT_CODE_BELOW
    )


@cache
def _import_graph():
    import grimp

    # Without a cache folder: parsing the workflow writes nothing, and building takes a few hundredths of a second.
    return grimp.build_graph(PACKAGE, cache_dir=None, exclude_type_checking_imports=True)


@cache
def _module_hash(module: str) -> str:
    root = Path(__file__).parent
    path = root.joinpath(*module.split(".")[1:])
    if not path.is_dir():
        return _syntax_hash(path.with_suffix(".py"))
    hashes = [_syntax_hash(path / "__init__.py")]
    for file in _data_files(path):
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        hashes.append(f"{file.relative_to(path).as_posix()}={content}")
    return " ".join(hashes)


def _data_files(package: Path) -> list[Path]:
    """List what lies beside a package's modules, such as templates, in folders that are not packages too."""
    found: list[Path] = []
    for path in sorted(package.iterdir()):
        if path.name.startswith((".", "__pycache__")):
            continue
        if path.is_dir():
            found += [] if (path / "__init__.py").is_file() else _data_files(path)
        elif path.suffix not in {".py", ".pyc"}:
            found.append(path)
    return found


@cache
def _syntax_hash(path: Path) -> str:
    return syntax_hash(path.read_text(encoding="utf-8"), where=str(path))


def syntax_hash(source: str, *, where: str = "source") -> str:
    """Hash Python source by its syntax tree, blind to comments, docstrings, layout and line numbers.

    Raises:
        InputError: if the source is not valid Python.
    """
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        raise InputError(f"{where}: not valid Python at line {error.lineno}: {error.msg}") from None
    words: list[str] = []
    _describe_node(tree, words)
    return hashlib.sha256("\0".join(words).encode("utf-8", "surrogatepass")).hexdigest()


def _describe_node(node: ast.AST, words: list[str]) -> None:
    """Append a node's type and non-empty fields (so that new, empty fields of later Pythons change nothing)."""
    words.append(type(node).__name__)
    for field in node._fields:
        value = getattr(node, field, None)
        if value is None and not isinstance(node, ast.Constant):
            continue
        if isinstance(value, ast.AST):
            words.append(field)
            _describe_node(value, words)
        elif isinstance(value, list):
            if not value:
                continue
            words.append(f"{field}[")
            for item in value:
                if isinstance(item, ast.AST):
                    if not _is_bare_string(item):
                        _describe_node(item, words)
                else:
                    words.append(repr(item))
            words.append("]")
        else:
            words.append(f"{field}={value!r}")
    words.append(")")


def _is_bare_string(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


_FILE_CLASS = re.compile(r"(?P<file>.+\.py):(?P<name>[A-Za-z_]\w*)")
_MODULE_CLASS = re.compile(r"(?P<module>[A-Za-z_]\w*(\.[A-Za-z_]\w*)*):(?P<name>[A-Za-z_]\w*)")


def _own_module(dotted: str) -> str | None:
    """Return the module of a class of this package, else None."""
    match = _MODULE_CLASS.fullmatch(dotted)
    if match and match["module"].split(".")[0] == PACKAGE:
        return match["module"]
    return None


def class_file(dotted: str) -> Path:
    """Find the file of a class named ``package.module:Class`` or ``path/to/file.py:Class``, importing nothing.

    Raises:
        InputError: if the name has neither form or no such file exists.
    """
    if match := _FILE_CLASS.fullmatch(dotted):
        path = Path(match["file"])
        if not path.is_file():
            raise InputError(f"{path}: file not found, needed for class '{dotted}'")
        return path
    if not (match := _MODULE_CLASS.fullmatch(dotted)):
        raise InputError(f"class '{dotted}': expected package.module:Class or path/to/file.py:Class")
    relative = Path(*match["module"].split("."))
    for folder in sys.path:
        for candidate in (Path(folder) / relative / "__init__.py", Path(folder) / f"{relative}.py"):
            if candidate.is_file():
                return candidate
    raise InputError(f"class '{dotted}': no module {match['module']} on Python's path")

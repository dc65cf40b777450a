"""Which source files decide what a stage does: its own and every module of the package that it imports, transitively.

Found by reading the imports, those inside functions too, and without importing anything: what a stage's code
version is must be known before a tensor library is loaded. What only shows or records (``observe``) does not decide
anything, nor does an import for the type checker.
"""

import ast
import hashlib
from collections.abc import Iterator
from pathlib import Path

import vibethinker

PACKAGE = "vibethinker"
PACKAGE_FOLDER = Path(vibethinker.__file__).parent


class CodeVersions:
    """Reads every source file once, however many stages use it."""

    def __init__(self, package_folder: Path = PACKAGE_FOLDER) -> None:
        """Begin with nothing read; the folder is that of the package, whatever its name."""
        self._folder = package_folder
        self._contents: dict[Path, bytes] = {}
        self._imports: dict[Path, list[Path]] = {}

    def files(self, entry: Path) -> list[Path]:
        """Return ``entry`` and the package's files it leads to, sorted by path."""
        found: set[Path] = set()
        waiting = [entry]
        while waiting:
            path = waiting.pop()
            if path in found or path.is_relative_to(self._folder / "observe"):
                continue
            found.add(path)
            # The package's own __init__ offers names lazily: that somebody could import them changes nothing here.
            if path != self._folder / "__init__.py":
                waiting += self._imported(path)
        return sorted(found)

    def version(self, entry: Path) -> str:
        """Return a hash over the content of all of ``files(entry)``."""
        digest = hashlib.sha256()
        for path in self.files(entry):
            name = path.relative_to(self._folder) if path.is_relative_to(self._folder) else Path(path.name)
            digest.update(f"{name.as_posix()} {hashlib.sha256(self._content(path)).hexdigest()}\n".encode())
        return digest.hexdigest()

    def needs_engine(self, entry: Path) -> bool:
        """Say whether ``files(entry)`` has any of the engines, hence a tensor library."""
        return any(path.is_relative_to(self._folder / "engines") for path in self.files(entry))

    def _content(self, path: Path) -> bytes:
        if path not in self._contents:
            self._contents[path] = path.read_bytes()
        return self._contents[path]

    def _imported(self, path: Path) -> list[Path]:
        """Return the package's files that a file imports, those included that importing the file itself takes."""
        if path not in self._imports:
            inside = path.is_relative_to(self._folder)
            package = [PACKAGE, *path.relative_to(self._folder).parent.parts] if inside else []
            imports = _Imports(package)
            imports.visit(ast.parse(self._content(path), filename=str(path)))
            names = sorted(imports.names | {".".join(package)})
            self._imports[path] = [file for name in names for file in self._module_files(name)]
        return self._imports[path]

    def _module_files(self, name: str) -> Iterator[Path]:
        """Yield the file of a module of the package and the ``__init__`` files above it; nothing for other names."""
        parts = name.split(".")
        if parts[0] != PACKAGE:
            return
        folder = self._folder
        yield folder / "__init__.py"
        for part in parts[1:]:
            if (folder / f"{part}.py").is_file():
                yield folder / f"{part}.py"
                return
            folder = folder / part
            if not (folder / "__init__.py").is_file():
                return
            yield folder / "__init__.py"


class _Imports(ast.NodeVisitor):
    """Collects the dotted names that could be modules of the package."""

    def __init__(self, package: list[str]) -> None:
        self.names: set[str] = set()
        self._package = package

    def visit_If(self, node: ast.If) -> None:
        condition = node.test.attr if isinstance(node.test, ast.Attribute) else getattr(node.test, "id", "")
        if condition != "TYPE_CHECKING":
            self.generic_visit(node)
            return
        for statement in node.orelse:
            self.visit(statement)

    def visit_Import(self, node: ast.Import) -> None:
        self.names.update(alias.name for alias in node.names)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        base = self._package[: len(self._package) - node.level + 1] if node.level else []
        module = ".".join([*base, *([node.module] if node.module else [])])
        # Each name may be a module of its own.
        self.names.update([module, *(f"{module}.{alias.name}" for alias in node.names)])

    def visit_Call(self, node: ast.Call) -> None:
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if called == "import_module" and node.args and isinstance(node.args[0], ast.Constant):
            self.names.add(str(node.args[0].value))
        self.generic_visit(node)

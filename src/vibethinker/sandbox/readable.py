"""What programs may read and what is imported for them: the standard library, named packages, shared libraries."""

# Paths are text on their way to the kernel.
# ruff: noqa: PTH110, PTH112, PTH116, PTH118, PTH120, PTH123

import importlib
import importlib.util
import os
import resource
import stat
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

# What solutions of contests import; a program that imports others pays for them, a module here is paid by all in fork
# time.
USUAL_MODULES = (
    "abc array ast bisect builtins calendar cmath collections collections.abc contextlib copy copyreg "
    "dataclasses datetime decimal encodings.ascii encodings.latin_1 encodings.utf_8 enum fractions functools gc "
    "heapq inspect io itertools json keyword linecache locale math numbers operator os os.path pprint queue "
    "random re statistics string struct sys textwrap threading time timeit tokenize traceback types typing "
    "unicodedata warnings weakref"
).split()

_LIBRARY_FOLDERS = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib")
_OTHER = ("/etc/ld.so.cache", "/usr/share/zoneinfo", "/dev/null", "/dev/zero", "/dev/urandom")
_NOT_STANDARD = ("site-packages", "dist-packages")


def standard_library_paths() -> list[str]:
    """Return the parts of sys.path that are the standard library."""
    standard = {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")}
    return [
        path for path in sys.path if any(name and path.startswith(name) for name in standard) or path.endswith(".zip")
    ]


def _locations(package: str) -> list[str]:
    """Return the files and folders of an installed package: it, and the ``.libs`` folder that wheels put beside it."""
    spec = importlib.util.find_spec(package)
    if spec is None:
        return []
    found = [
        *(spec.submodule_search_locations or []),
        *([spec.origin] if spec.origin and not spec.submodule_search_locations else []),
    ]
    return [path for item in found for path in (item, f"{item}.libs") if os.path.exists(path)]


def package_parents(packages: Iterable[str]) -> list[str]:
    """Return the folders that ``packages`` are found in."""
    return list(dict.fromkeys(os.path.dirname(path) for name in packages for path in _locations(name)))


def preload(modules: Iterable[str], packages: Iterable[str], search: Iterable[str]) -> list[str]:
    """Import ``modules`` and ``packages`` (found through ``search``); return the names that could be imported.

    Raises:
        ModuleNotFoundError: For a package that is not installed.
    """
    sys.path.extend(search)
    imported = []
    for name in modules:
        try:
            importlib.import_module(name)
        except ImportError:
            continue
        imported.append(name)
    for name in packages:
        importlib.import_module(name)
        imported.append(name)
    return imported


def paths(packages: Iterable[str]) -> list[str]:
    """Return every file and folder that a program may read."""
    found: list[str] = []
    for folder in dict.fromkeys((sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"))):
        if os.path.isdir(folder):
            found += [str(path) for path in sorted(Path(folder).iterdir()) if path.name not in _NOT_STANDARD]
    libraries = Path(sys.base_prefix, "lib")
    if libraries.is_dir():
        found += [str(path) for path in sorted(libraries.glob("*.so*"))]
    for folder in _LIBRARY_FOLDERS:
        found += _shared_libraries(folder)
    for name in packages:
        found += _locations(name)
    return list(dict.fromkeys(path for path in (*found, *_OTHER) if os.path.exists(path)))


def _shared_libraries(folder: str) -> list[str]:
    """Return the loader's folder of this architecture, or the libraries in ``folder`` itself."""
    triplet = sysconfig.get_config_var("MULTIARCH") or ""
    inner = os.path.join(folder, triplet)
    if triplet and os.path.isdir(inner):
        return [inner]
    return [str(path) for path in sorted(Path(folder).glob("*.so*"))] if os.path.isdir(folder) else []


def hidden_from_others(found: Iterable[str], *, new_root: bool) -> bool:
    """Return whether an unprivileged user could not read one of the paths: Python under /root, say.

    Args:
        found: The paths.
        new_root: Whether they will lie in a root of their own, whose upper folders everybody may enter.
    """
    if not os.stat(os.__file__).st_mode & stat.S_IROTH:
        return True
    return not new_root and any(
        not _reachable_by_others(path) for path in {os.path.dirname(os.path.realpath(path)) for path in found}
    )


def _reachable_by_others(path: str) -> bool:
    return all(os.stat(step).st_mode & stat.S_IXOTH for step in (path, *map(str, Path(path).parents)))


def mapped_bytes() -> int:
    """Return the address space this process maps, with a margin for what a child maps before it runs."""
    margin = 16 << 20
    try:
        return _MAPPED_AT_START[0] + margin
    except IndexError:
        return margin + (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10)


_MAPPED_AT_START: list[int] = []


def measure() -> None:
    """Read how much is mapped, while /proc is there to tell."""
    try:
        with open("/proc/self/statm") as file:
            _MAPPED_AT_START[:] = [int(file.read().split()[0]) * resource.getpagesize()]
    except OSError:
        pass

"""Landlock: from here on this process and its children may read what is named, and nothing else.

Source: Documentation/userspace-api/landlock.rst of Linux; access rights as of ABI 7.
"""

import contextlib
import ctypes
import os
import stat
from collections.abc import Iterable

from vibethinker.sandbox import syscalls

_VERSION_FLAG = 1
_RULE_PATH_BENEATH = 1
_WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 1, 1 << 2, 1 << 3
_FILESYSTEM_RIGHTS = {1: 1 << 13, 2: 1 << 14, 3: 1 << 15, 4: 1 << 15, 5: 1 << 16}  # one past the last right, by ABI
_BIND_TCP, _CONNECT_TCP = 1, 2
_SCOPE_ABSTRACT_SOCKETS, _SCOPE_SIGNALS = 1, 2


class _Ruleset(ctypes.Structure):
    _fields_ = (("filesystem", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scope", ctypes.c_uint64))


class _PathRule(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent_fd", ctypes.c_int32))


def abi() -> int:
    """Return the kernel's Landlock version; 0 where there is none or a container's filter forbids it."""
    try:
        return syscalls.call("landlock_create_ruleset", None, 0, _VERSION_FLAG)
    except (OSError, KeyError):
        return 0


def restrict(readable: Iterable[str], *, listable: Iterable[str] = ()) -> None:
    """Allow reading under ``readable``; deny every other use of a path, TCP and signals to processes outside.

    Args:
        readable: Files or folders; one that does not exist is left out.
        listable: Folders under which names may be listed but files not read.

    Raises:
        OSError: Where the kernel refuses; no_new_privs must be set.
    """
    version = abi()
    rights = _FILESYSTEM_RIGHTS.get(version, 1 << 16 if version > 5 else 0) - 1
    if rights <= 0:
        raise OSError("landlock: not in this kernel, or forbidden here")
    network = _BIND_TCP | _CONNECT_TCP if version >= 4 else 0
    scope = _SCOPE_ABSTRACT_SOCKETS | _SCOPE_SIGNALS if version >= 6 else 0
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    ruleset = syscalls.call("landlock_create_ruleset", _Ruleset(rights, network, scope), size, 0)
    try:
        rules = [*((path, _READ_FILE | _READ_DIR) for path in readable), *((path, _READ_DIR) for path in listable)]
        for path, allowed in rules:
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                _allow(ruleset, path, allowed)
        syscalls.call("landlock_restrict_self", ruleset, 0)
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: str, allowed: int) -> None:
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if path == os.devnull:
            allowed |= _WRITE_FILE
        elif not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            allowed &= _READ_FILE
        if not allowed:
            return
        rule = _PathRule(allowed & ~_READ_DIR if path == os.devnull else allowed, descriptor)
        syscalls.call("landlock_add_rule", ruleset, _RULE_PATH_BENEATH, rule, 0)
    finally:
        os.close(descriptor)

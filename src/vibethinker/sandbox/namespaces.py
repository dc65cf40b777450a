"""Level 3: a root with nothing in it but what programs may read, no network, no other process in sight.

Source: namespaces(7), pivot_root(2), mount_namespaces(7) of the Linux manual.
"""

# Paths are text on their way to the kernel.
# ruff: noqa: PTH103, PTH110, PTH112, PTH115, PTH118, PTH120, PTH211

import contextlib
import os
import stat
from collections.abc import Sequence
from pathlib import Path

from vibethinker.sandbox import syscalls

_NEW_USER, _NEW_PID, _NEW_NET = 0x10000000, 0x20000000, 0x40000000
_NEW_MOUNT, _NEW_CGROUP, _NEW_UTS, _NEW_IPC = 0x00020000, 0x02000000, 0x04000000, 0x08000000
_SPACES = _NEW_PID | _NEW_NET | _NEW_MOUNT | _NEW_CGROUP | _NEW_UTS | _NEW_IPC
# include/uapi/linux/mount.h
_READ_ONLY, _NO_SUID, _NO_DEV, _NO_EXEC, _REMOUNT = 1, 2, 4, 8, 32
_BIND, _RECURSIVE, _PRIVATE = 4096, 16384, 1 << 18
_DETACH = 2
_DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom")
# Where the new root is put together; any folder that exists will do, nothing is written to it.
_STAGING = ("/mnt", "/media", "/srv", "/opt", "/tmp", "/var/tmp")  # noqa: S108


def enter(readable: Sequence[str], *, users: tuple[int, int] | None) -> None:
    """Leave the host's namespaces and root for new ones that hold ``readable``, read-only, at the same paths.

    Processes forked from here on live in a new process namespace.

    Args:
        readable: Files and folders.
        users: First id and count of the user ids that programs will get; None: they stay who they are, in a user
            namespace where nobody else exists.

    Raises:
        OSError: Where the system forbids it; the process is then of no further use.
    """
    user, group = os.geteuid(), os.getegid()
    if users is not None and syscalls.CAP_SYS_ADMIN in syscalls.held_capabilities():
        syscalls.call("unshare", _SPACES)
    elif users is not None:
        _unshare_with_users(*users)
    else:
        syscalls.call("unshare", _SPACES | _NEW_USER)
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    _change_root(readable)


def _unshare_with_users(first: int, count: int) -> None:
    """Enter a new user namespace with root and ``count`` more ids, which only a process left outside can map."""
    process, (entered, tell_entered), (mapped, tell_mapped) = os.getpid(), os.pipe(), os.pipe()
    helper = os.fork()
    if helper == 0:
        try:
            os.read(entered, 1)
            for kind in ("uid_map", "gid_map"):
                Path(f"/proc/{process}/{kind}").write_text(f"0 0 1\n{first} {first} {count}\n")
            os.write(tell_mapped, b"m")
        finally:
            os._exit(0)
    os.close(tell_mapped)
    try:
        syscalls.call("unshare", _SPACES | _NEW_USER)
    finally:
        os.write(tell_entered, b"e")
        answer = os.read(mapped, 1)
        os.waitpid(helper, 0)
        for descriptor in (entered, tell_entered, mapped):
            os.close(descriptor)
    if not answer:
        raise PermissionError("user ids cannot be mapped into a new user namespace")


def _mount(source: str, target: str, kind: str | None, flags: int, options: str | None = None) -> None:
    words = [None if word is None else os.fsencode(word) for word in (source, target, kind)]
    syscalls.call("mount", *words, flags, None if options is None else options.encode())


def _change_root(readable: Sequence[str]) -> None:
    _mount("none", "/", None, _RECURSIVE | _PRIVATE)
    # Opened before the new root covers a folder they may lie in.
    sources = [
        (path, os.open(path, os.O_PATH | os.O_CLOEXEC))
        for path in (*_outermost(readable), *_DEVICES)
        if os.path.exists(path)
    ]
    links = _links_on_the_way(readable)
    staging = next(path for path in _STAGING if os.path.isdir(path))
    _mount("sandbox", staging, "tmpfs", _NO_SUID | _NO_DEV, "mode=755,size=1m")
    for path, descriptor in sources:
        _bind(descriptor, staging + path)
    for link, target in links.items():
        with contextlib.suppress(FileExistsError):
            os.makedirs(os.path.dirname(staging + link), exist_ok=True)
            os.symlink(target, staging + link)
    os.chdir(staging)
    _mount("none", staging, None, _REMOUNT | _READ_ONLY | _NO_SUID | _NO_DEV)
    syscalls.call("pivot_root", b".", b".")
    syscalls.call("umount2", b".", _DETACH)
    os.chdir("/")


def _outermost(paths: Sequence[str]) -> list[str]:
    """Return the real paths, without those inside another."""
    real = sorted({os.path.realpath(path) for path in paths if os.path.exists(path)})
    kept: list[str] = []
    for path in real:
        if not (kept and path.startswith(kept[-1] + "/")):
            kept.append(path)
    return kept


def _links_on_the_way(paths: Sequence[str]) -> dict[str, str]:
    """Return the symbolic links met on the way to ``paths``, each with where it leads: /lib -> usr/lib."""
    links: dict[str, str] = {}
    todo = [path for path in paths if os.path.exists(path)]
    while todo:
        path = Path(todo.pop())
        for step in (*reversed(path.parents), path):
            if step.is_symlink() and str(step) not in links:
                links[str(step)] = os.readlink(step)
                todo.append(os.path.join(os.path.realpath(step), os.path.relpath(path, step)))
                break
    return links


def _bind(descriptor: int, target: str) -> None:
    if stat.S_ISDIR(os.fstat(descriptor).st_mode):
        os.makedirs(target, exist_ok=True)
        flags = _BIND | _RECURSIVE
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o644))
        flags = _BIND
    _mount(f"/proc/self/fd/{descriptor}", target, None, flags)
    os.close(descriptor)
    # Flags that an outer user namespace locked must be named again.
    locked = os.statvfs(target).f_flag & (_NO_SUID | _NO_DEV | _NO_EXEC | 1024 | 2048 | 4096)
    ties = (locked & (_NO_SUID | _NO_DEV | _NO_EXEC)) | (1024 if locked & 1024 else 0) | (2048 if locked & 2048 else 0)
    relative = 1 << 21 if locked & 4096 else 0
    device = 0 if target.endswith(_DEVICES) else _NO_DEV
    _mount("none", target, None, _BIND | _REMOUNT | _READ_ONLY | _NO_SUID | device | ties | relative)

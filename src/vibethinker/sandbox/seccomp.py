"""The system-call filter of a confined child: an allow-list, assembled as classic BPF.

Order of the checks: a foreign architecture (and the x32 calls of x86-64) kills; then a binary search over call
numbers, so that the kernel works out the filter's constant answers quickly when it is installed; some calls look at
arguments.

Source: Documentation/userspace-api/seccomp_filter.rst of Linux.
"""

import ctypes
import errno
import struct
from collections.abc import Iterable

from vibethinker.sandbox import syscalls

# include/uapi/linux/seccomp.h
_ALLOW, _KILL_PROCESS, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_SET_MODE_FILTER = 1
# include/uapi/linux/bpf_common.h: load a word of seccomp_data, jump, return.
_LOAD, _JUMP, _IF_EQUAL, _IF_GREATER_EQUAL, _IF_ANY_BIT, _AND, _RETURN = 0x20, 0x05, 0x15, 0x35, 0x45, 0x54, 0x06
_NUMBER_AT, _ARCH_AT, _ARGUMENTS_AT = 0, 4, 16
_X32_BIT = 0x40000000

_PURE = (
    "read write close fstat poll lseek mmap mprotect munmap brk rt_sigaction rt_sigprocmask rt_sigreturn pread64 "
    "pwrite64 readv writev pipe select sched_yield mremap msync madvise dup dup2 pause nanosleep "
    "getitimer alarm setitimer getpid exit wait4 waitid uname ftruncate getcwd umask "
    "gettimeofday getrlimit getrusage sysinfo times getuid getgid geteuid getegid getppid getpgrp getgroups "
    "getresuid getresgid getpgid getsid rt_sigpending rt_sigtimedwait rt_sigsuspend sigaltstack getpriority "
    "sched_getparam sched_getscheduler sched_get_priority_max sched_get_priority_min gettid time futex "
    "sched_getaffinity epoll_create set_tid_address restart_syscall clock_gettime clock_getres "
    "clock_nanosleep exit_group epoll_wait epoll_ctl pselect6 ppoll set_robust_list get_robust_list epoll_pwait "
    "epoll_pwait2 eventfd2 epoll_create1 dup3 pipe2 preadv pwritev getcpu getrandom membarrier preadv2 pwritev2 "
    "rseq close_range futex_waitv recvfrom shutdown getsockname getpeername getsockopt"
).split()

# What these reach, Landlock (or a root with nothing in it) decides; without either they are refused.
_PATHS = (
    "open openat stat lstat access readlink readlinkat faccessat faccessat2 statx newfstatat getdents getdents64 "
    "chdir fchdir"
).split()
_PATHS_WITHOUT_A_CAGE = ("newfstatat", "statx", "getdents64")  # these also describe an open descriptor

_DEADLY = (
    "ptrace mount umount2 pivot_root chroot open_tree move_mount fsopen fsconfig fsmount fspick mount_setattr "
    "bpf io_uring_setup io_uring_enter io_uring_register io_setup add_key request_key keyctl userfaultfd unshare "
    "setns process_vm_readv process_vm_writev process_madvise perf_event_open kexec_load kexec_file_load "
    "init_module finit_module delete_module open_by_handle_at name_to_handle_at pidfd_getfd kcmp swapon swapoff "
    "reboot acct iopl ioperm quotactl quotactl_fd fanotify_init seccomp personality"
).split()

# Files in memory need none, and a disk shall not be kept busy: done, says the filter.
_NOTHING_TO_DO = ("fsync", "fdatasync")

# glibc falls back to older calls where these do not exist.
_ABSENT = ("clone3", "openat2", "memfd_create", "memfd_secret")

_CLONE_THREAD_FLAGS = 0x00010000 | 0x00000100  # CLONE_THREAD | CLONE_VM
_CLONE_NAMESPACES = 0x7E020080  # CLONE_NEW*: user, pid, net, ipc, uts, cgroup, mount, time
_IOCTLS = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)  # TCGETS TIOCGWINSZ FIONREAD FIONBIO FIONCLEX FIOCLEX
# Duplicate, flags, seals read. Not owners and signals (they reach others), locks and leases (others see them), sizes.
_FCNTLS = (0, 1, 2, 3, 4, 1030, 1034)
_PRCTLS = (15, 16, 0x53564D41)  # PR_SET_NAME PR_GET_NAME PR_SET_VMA
_AF_UNIX, _SOCK_STREAM, _SOCK_FLAGS = 1, 1, 0o2004000  # flags: SOCK_CLOEXEC | SOCK_NONBLOCK

Code = list[tuple[int, int, int, int]]


def _returns(action: int) -> Code:
    return [(_RETURN, 0, 0, action)]


def _refuse(code: int = errno.EPERM) -> Code:
    return _returns(_ERRNO | code)


def _load_argument(index: int, *, high: bool = False) -> tuple[int, int, int, int]:
    return (_LOAD, 0, 0, _ARGUMENTS_AT + 8 * index + (4 if high else 0))


def _allow_values(index: int, values: Iterable[int], refusal: int) -> Code:
    code: Code = [_load_argument(index)]
    for value in values:
        code += [(_IF_EQUAL, 0, 1, value), *_returns(_ALLOW)]
    return code + _refuse(refusal)


def _allow_zero_pointer(index: int) -> Code:
    return [
        _load_argument(index),
        (_IF_EQUAL, 0, 3, 0),
        _load_argument(index, high=True),
        (_IF_EQUAL, 0, 1, 0),
        *_returns(_ALLOW),
        *_refuse(),
    ]


def _threads_only() -> Code:
    return [
        _load_argument(0),
        (_IF_ANY_BIT, 4, 0, _CLONE_NAMESPACES),
        (_AND, 0, 0, _CLONE_THREAD_FLAGS),
        (_IF_EQUAL, 0, 1, _CLONE_THREAD_FLAGS),
        *_returns(_ALLOW),
        *_refuse(),
        *_returns(_KILL_PROCESS),
    ]


def _own_limits_read_only() -> Code:
    """Prlimit64(0, resource, NULL, old)."""
    return [_load_argument(0), (_IF_EQUAL, 1, 0, 0), *_refuse(), *_allow_zero_pointer(2)]


def _stream_pairs() -> Code:
    """Socketpair(AF_UNIX, SOCK_STREAM): what asyncio wakes itself with; a datagram socket could name a receiver."""
    return [
        _load_argument(0),
        (_IF_EQUAL, 0, 4, _AF_UNIX),
        _load_argument(1),
        (_AND, 0, 0, 0xFFFFFFFF & ~_SOCK_FLAGS),
        (_IF_EQUAL, 0, 1, _SOCK_STREAM),
        *_returns(_ALLOW),
        *_refuse(),
    ]


def rules(*, paths: bool) -> dict[str, Code]:
    """Return what happens to each named call; every other one is refused with EPERM.

    Args:
        paths: Whether calls that take a path are allowed, because something else decides what they reach.
    """
    table: dict[str, Code] = {name: _returns(_ALLOW) for name in _PURE}
    for name in _PATHS:
        allowed = paths or name in _PATHS_WITHOUT_A_CAGE
        table[name] = _returns(_ALLOW) if allowed else _refuse(errno.EACCES)
    table |= {name: _returns(_KILL_PROCESS) for name in _DEADLY}
    table |= {name: _refuse(errno.ENOSYS) for name in _ABSENT}
    table |= {name: _refuse(0) for name in _NOTHING_TO_DO}
    return table | {
        "ioctl": _allow_values(1, _IOCTLS, errno.ENOTTY),
        "fcntl": _allow_values(1, _FCNTLS, errno.EINVAL),
        "prctl": _allow_values(0, _PRCTLS, errno.EPERM),
        "clone": _threads_only(),
        "prlimit64": _own_limits_read_only(),
        "socketpair": _stream_pairs(),
        "sendto": _allow_zero_pointer(4),
    }


def _search(spans: list[tuple[int, Code]]) -> Code:
    """Emit a binary search over ``spans`` of (first number, what happens from there on)."""
    if len(spans) == 1:
        return spans[0][1]
    middle = len(spans) // 2
    below, above = _search(spans[:middle]), _search(spans[middle:])
    if len(below) <= 255:
        return [(_IF_GREATER_EQUAL, len(below), 0, spans[middle][0]), *below, *above]
    return [(_IF_GREATER_EQUAL, 0, 1, spans[middle][0]), (_JUMP, 0, 0, len(below)), *below, *above]


def assemble(machine: str, *, paths: bool) -> bytes:
    """Return the filter for ``machine`` (x86_64 or aarch64) as an array of struct sock_filter."""
    numbers = syscalls.numbers_of(machine)
    by_number = {numbers[name]: code for name, code in rules(paths=paths).items() if name in numbers}
    spans: list[tuple[int, Code]] = []
    for number in range(max(by_number) + 2):
        code = by_number.get(number, _refuse())
        if not spans or spans[-1][1] != code:
            spans.append((number, code))
    program: Code = [
        (_LOAD, 0, 0, _ARCH_AT),
        (_IF_EQUAL, 1, 0, syscalls.audit_arch_of(machine)),
        *_returns(_KILL_PROCESS),
        (_LOAD, 0, 0, _NUMBER_AT),
        (_IF_GREATER_EQUAL, 0, 1, _X32_BIT),
        *_returns(_KILL_PROCESS),
        *_search(spans),
    ]
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in program)


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


class Filter:
    """An assembled filter, ready to be installed in many children."""

    def __init__(self, *, paths: bool) -> None:
        """Assemble it for this machine."""
        code = assemble(syscalls.MACHINE, paths=paths)
        self._buffer = ctypes.create_string_buffer(code, len(code))
        self._program = _Program(len(code) // 8, ctypes.addressof(self._buffer))

    def install(self) -> None:
        """Confine this process for good; no_new_privs must be set.

        Raises:
            OSError: Where the kernel has no seccomp filters.
        """
        syscalls.call("seccomp", _SET_MODE_FILTER, 0, self._program)

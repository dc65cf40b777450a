"""Linux system calls by number, for x86-64 and aarch64, through ctypes.

Sources: arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h of Linux 6.x. Names absent from
a table do not exist on that architecture.
"""

import ctypes
import os
import platform
import sys
from collections.abc import Sequence

_SHARED = (
    "pidfd_send_signal=424 io_uring_setup=425 io_uring_enter=426 io_uring_register=427 open_tree=428 "
    "move_mount=429 fsopen=430 fsconfig=431 fsmount=432 fspick=433 pidfd_open=434 clone3=435 close_range=436 "
    "openat2=437 pidfd_getfd=438 faccessat2=439 process_madvise=440 epoll_pwait2=441 mount_setattr=442 "
    "quotactl_fd=443 landlock_create_ruleset=444 landlock_add_rule=445 landlock_restrict_self=446 "
    "memfd_secret=447 process_mrelease=448 futex_waitv=449"
)

_X86_64 = (
    "read=0 write=1 open=2 close=3 stat=4 fstat=5 lstat=6 poll=7 lseek=8 mmap=9 mprotect=10 munmap=11 brk=12 "
    "rt_sigaction=13 rt_sigprocmask=14 rt_sigreturn=15 ioctl=16 pread64=17 pwrite64=18 readv=19 writev=20 "
    "access=21 pipe=22 select=23 sched_yield=24 mremap=25 msync=26 mincore=27 madvise=28 dup=32 dup2=33 pause=34 "
    "nanosleep=35 getitimer=36 alarm=37 setitimer=38 getpid=39 socket=41 sendto=44 recvfrom=45 shutdown=48 "
    "getsockname=51 getpeername=52 socketpair=53 setsockopt=54 getsockopt=55 clone=56 fork=57 vfork=58 execve=59 "
    "exit=60 wait4=61 kill=62 uname=63 shmget=29 shmat=30 semget=64 msgget=68 fcntl=72 flock=73 fsync=74 "
    "fdatasync=75 ftruncate=77 getdents=78 getcwd=79 chdir=80 fchdir=81 readlink=89 umask=95 gettimeofday=96 "
    "getrlimit=97 getrusage=98 sysinfo=99 times=100 ptrace=101 getuid=102 getgid=104 geteuid=107 getegid=108 "
    "getppid=110 getpgrp=111 getgroups=115 getresuid=118 getresgid=120 getpgid=121 getsid=124 capget=125 "
    "capset=126 rt_sigpending=127 rt_sigtimedwait=128 rt_sigqueueinfo=129 rt_sigsuspend=130 sigaltstack=131 "
    "personality=135 getpriority=140 sched_getparam=143 sched_getscheduler=145 sched_get_priority_max=146 "
    "sched_get_priority_min=147 pivot_root=155 prctl=157 arch_prctl=158 chroot=161 acct=163 mount=165 "
    "umount2=166 swapon=167 swapoff=168 reboot=169 iopl=172 ioperm=173 init_module=175 delete_module=176 "
    "quotactl=179 gettid=186 tkill=200 time=201 futex=202 sched_getaffinity=204 io_setup=206 epoll_create=213 "
    "getdents64=217 set_tid_address=218 restart_syscall=219 fadvise64=221 timer_create=222 clock_settime=227 "
    "clock_gettime=228 clock_getres=229 clock_nanosleep=230 exit_group=231 epoll_wait=232 epoll_ctl=233 "
    "tgkill=234 kexec_load=246 waitid=247 add_key=248 request_key=249 keyctl=250 openat=257 newfstatat=262 "
    "readlinkat=267 faccessat=269 pselect6=270 ppoll=271 unshare=272 set_robust_list=273 get_robust_list=274 "
    "vmsplice=278 move_pages=279 epoll_pwait=281 eventfd2=290 epoll_create1=291 dup3=292 pipe2=293 preadv=295 "
    "pwritev=296 rt_tgsigqueueinfo=297 perf_event_open=298 fanotify_init=300 prlimit64=302 name_to_handle_at=303 "
    "open_by_handle_at=304 setns=308 getcpu=309 process_vm_readv=310 process_vm_writev=311 kcmp=312 "
    "finit_module=313 sched_getattr=315 seccomp=317 getrandom=318 memfd_create=319 kexec_file_load=320 bpf=321 "
    "execveat=322 userfaultfd=323 membarrier=324 preadv2=327 pwritev2=328 statx=332 rseq=334 setresuid=117 "
    "setresgid=119 setgroups=116"
)

_AARCH64 = (
    "io_setup=0 getcwd=17 eventfd2=19 epoll_create1=20 epoll_ctl=21 epoll_pwait=22 dup=23 dup3=24 fcntl=25 "
    "ioctl=29 flock=32 umount2=39 mount=40 pivot_root=41 ftruncate=46 faccessat=48 chdir=49 fchdir=50 chroot=51 "
    "openat=56 close=57 pipe2=59 quotactl=60 getdents64=61 lseek=62 read=63 write=64 readv=65 writev=66 "
    "pread64=67 pwrite64=68 preadv=69 pwritev=70 pselect6=72 ppoll=73 vmsplice=75 readlinkat=78 newfstatat=79 "
    "fstat=80 fsync=82 fdatasync=83 acct=89 capget=90 capset=91 personality=92 exit=93 exit_group=94 waitid=95 "
    "set_tid_address=96 unshare=97 futex=98 set_robust_list=99 get_robust_list=100 nanosleep=101 getitimer=102 "
    "setitimer=103 kexec_load=104 init_module=105 delete_module=106 timer_create=107 clock_settime=112 "
    "clock_gettime=113 clock_getres=114 clock_nanosleep=115 ptrace=117 sched_getscheduler=120 sched_getparam=121 "
    "sched_getaffinity=123 sched_yield=124 sched_get_priority_max=125 sched_get_priority_min=126 "
    "restart_syscall=128 kill=129 tkill=130 tgkill=131 sigaltstack=132 rt_sigsuspend=133 rt_sigaction=134 "
    "rt_sigprocmask=135 rt_sigpending=136 rt_sigtimedwait=137 rt_sigqueueinfo=138 rt_sigreturn=139 "
    "getpriority=141 reboot=142 setresuid=147 getresuid=148 setresgid=149 getresgid=150 times=153 getpgid=155 "
    "getsid=156 getgroups=158 setgroups=159 uname=160 getrlimit=163 getrusage=165 umask=166 prctl=167 getcpu=168 "
    "gettimeofday=169 getpid=172 getppid=173 getuid=174 geteuid=175 getgid=176 getegid=177 gettid=178 "
    "sysinfo=179 msgget=186 semget=190 shmget=194 shmat=196 socket=198 socketpair=199 getsockname=204 "
    "getpeername=205 sendto=206 recvfrom=207 setsockopt=208 getsockopt=209 shutdown=210 brk=214 munmap=215 "
    "mremap=216 add_key=217 request_key=218 keyctl=219 clone=220 execve=221 mmap=222 fadvise64=223 swapon=224 "
    "swapoff=225 mprotect=226 msync=227 mincore=232 madvise=233 move_pages=239 rt_tgsigqueueinfo=240 "
    "perf_event_open=241 wait4=260 prlimit64=261 fanotify_init=262 name_to_handle_at=264 open_by_handle_at=265 "
    "setns=268 process_vm_readv=270 process_vm_writev=271 kcmp=272 finit_module=273 sched_getattr=275 "
    "seccomp=277 getrandom=278 memfd_create=279 bpf=280 execveat=281 userfaultfd=282 membarrier=283 preadv2=286 "
    "pwritev2=287 kexec_file_load=294 statx=291 rseq=293"
)

# AUDIT_ARCH_* of include/uapi/linux/audit.h.
_ARCHITECTURES = {"x86_64": (0xC000003E, _X86_64), "aarch64": (0xC00000B7, _AARCH64)}


def _table(text: str) -> dict[str, int]:
    return {name: int(number) for name, number in (item.split("=") for item in text.split())}


def numbers_of(machine: str) -> dict[str, int]:
    """Return name -> number for ``machine``: x86_64 or aarch64.

    Raises:
        KeyError: For another machine.
    """
    return _table(_ARCHITECTURES[machine][1]) | _table(_SHARED)


def audit_arch_of(machine: str) -> int:
    """Return the kernel's word for ``machine`` in a seccomp filter."""
    return _ARCHITECTURES[machine][0]


MACHINE = platform.machine().replace("arm64", "aarch64") if sys.platform == "linux" else ""
IS_LINUX = sys.platform == "linux" and MACHINE in _ARCHITECTURES and sys.maxsize > 2**32
NUMBERS = numbers_of(MACHINE) if IS_LINUX else {}

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long

# include/uapi/linux/prctl.h
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_KEEPCAPS, PR_SET_NO_NEW_PRIVS = 1, 4, 8, 38

# include/uapi/linux/capability.h
CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_KILL, CAP_SETGID, CAP_SETUID, CAP_SYS_ADMIN = 1, 2, 5, 6, 7, 21


def call(name: str, *arguments: int | ctypes.Array[ctypes.c_char] | ctypes.Structure | bytes | None) -> int:
    """Make the system call ``name``; structures go by reference.

    Raises:
        OSError: As the kernel says.
    """
    converted: list[object] = []
    for argument in arguments:
        if isinstance(argument, int):
            converted.append(ctypes.c_long(argument))
        elif isinstance(argument, ctypes.Structure):
            converted.append(ctypes.byref(argument))
        else:
            converted.append(argument)
    result = int(_libc.syscall(ctypes.c_long(NUMBERS[name]), *converted))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{name}: {os.strerror(code)}")
    return result


def prctl(option: int, value: int) -> None:
    """Set one process attribute."""
    call("prctl", option, value, 0, 0, 0)


def close_from(first: int) -> None:
    """Close every descriptor from ``first`` on."""
    if "close_range" in NUMBERS:
        try:
            call("close_range", first, 0xFFFFFFFF, 0)
            return
        except OSError:  # a kernel before 5.9
            pass
    os.closerange(first, 65536)


class _CapHeader(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _CapData(ctypes.Structure):
    _fields_ = tuple(
        (f"{kind}{half}", ctypes.c_uint32) for half in (0, 1) for kind in ("effective", "permitted", "inheritable")
    )


_CAPABILITY_VERSION_3 = 0x20080522


def keep_capabilities(capabilities: Sequence[int]) -> None:
    """Give up every capability except ``capabilities`` (all below 32)."""
    mask = sum(1 << number for number in capabilities)
    data = _CapData(effective0=mask, permitted0=mask)
    call("capset", _CapHeader(_CAPABILITY_VERSION_3, 0), data)


def held_capabilities() -> set[int]:
    """Return the numbers of the effective capabilities."""
    data = _CapData()
    call("capget", _CapHeader(_CAPABILITY_VERSION_3, 0), data)
    mask = data.effective0 | data.effective1 << 32
    return {number for number in range(64) if mask >> number & 1}

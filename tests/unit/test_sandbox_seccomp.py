"""The filter decides as written, on both architectures: checked by running its code, instruction by instruction."""

import struct

import pytest

from vibethinker.sandbox import seccomp, syscalls

ALLOW, KILL, ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
EPERM, EACCES, ENOSYS = 1, 13, 38
MACHINES = ["x86_64", "aarch64"]
OTHER = {"x86_64": "aarch64", "aarch64": "x86_64"}


def decide(program: bytes, machine: str, number: int, *arguments: int) -> int:
    """Run classic BPF over a call."""
    padded = [*arguments, *[0] * (6 - len(arguments))]
    data = struct.pack("=IIQ6Q", number & 0xFFFFFFFF, syscalls.audit_arch_of(machine), 0, *padded)
    code = list(struct.iter_unpack("=HBBI", program))
    at = accumulator = 0
    while True:
        operation, if_true, if_false, value = code[at]
        at += 1
        if operation == 0x20:
            accumulator = struct.unpack_from("=I", data, value)[0]
        elif operation == 0x06:
            return int(value)
        elif operation == 0x05:
            at += value
        elif operation == 0x54:
            accumulator &= value
        else:
            met = {0x15: accumulator == value, 0x35: accumulator >= value, 0x45: bool(accumulator & value)}[operation]
            at += if_true if met else if_false


@pytest.fixture(params=MACHINES)
def machine(request):
    return request.param


@pytest.fixture
def ask(machine):
    program = seccomp.assemble(machine, paths=True)
    numbers = syscalls.numbers_of(machine)
    return lambda name, *arguments: decide(program, machine, numbers[name], *arguments)


def test_every_rule_is_what_the_filter_answers(machine):
    program = seccomp.assemble(machine, paths=True)
    numbers = syscalls.numbers_of(machine)
    for name, rule in seccomp.rules(paths=True).items():
        if name in numbers and len(rule) == 1:
            assert decide(program, machine, numbers[name]) == rule[0][3], name


def test_calls_without_a_rule_are_refused(machine):
    program = seccomp.assemble(machine, paths=True)
    named = {syscalls.numbers_of(machine)[n] for n in seccomp.rules(paths=True) if n in syscalls.numbers_of(machine)}
    for number in range(1000):
        if number not in named:
            assert decide(program, machine, number) == ERRNO | EPERM


@pytest.mark.parametrize(
    "name", ["execve", "execveat", "socket", "connect", "kill", "tgkill", "setuid", "memfd_create", "rename"]
)
def test_processes_sockets_and_signals_are_refused(ask, machine, name):
    if name in syscalls.numbers_of(machine):
        assert ask(name) & 0xFFFF0000 == ERRNO


@pytest.mark.parametrize(
    "name", ["ptrace", "mount", "bpf", "io_uring_setup", "keyctl", "userfaultfd", "unshare", "setns"]
)
def test_calls_that_only_an_attack_makes_kill(ask, name):
    assert ask(name) == KILL


def test_clone_makes_threads_and_nothing_else(ask):
    thread = 0x3D0F00
    assert ask("clone", thread) == ALLOW
    assert ask("clone", 17) == ERRNO | EPERM  # a fork
    assert ask("clone", 0x100 | 0x4000 | 17) == ERRNO | EPERM  # a vfork
    assert ask("clone", thread | 0x10000000) == KILL  # a new user namespace
    assert ask("clone3") == ERRNO | ENOSYS


def test_limits_may_be_read_not_set_and_only_the_own(ask):
    assert ask("prlimit64", 0, 7, 0, 1) == ALLOW
    assert ask("prlimit64", 0, 7, 1 << 40, 0) == ERRNO | EPERM
    assert ask("prlimit64", 0, 7, 1, 0) == ERRNO | EPERM
    assert ask("prlimit64", 1, 7, 0, 1) == ERRNO | EPERM


def test_socket_pairs_are_local_streams_and_address_nobody(ask):
    assert ask("socketpair", 1, 1 | 0o2000000) == ALLOW
    assert ask("socketpair", 1, 2) == ERRNO | EPERM
    assert ask("socketpair", 2, 1) == ERRNO | EPERM
    assert ask("sendto", 3, 0, 0, 0, 0) == ALLOW
    assert ask("sendto", 3, 0, 0, 0, 1 << 32) == ERRNO | EPERM
    assert ask("sendto", 3, 0, 0, 0, 8) == ERRNO | EPERM


def test_descriptor_controls_send_no_signals_and_inject_no_input(ask):
    assert ask("fcntl", 0, 1) == ALLOW
    for command in (6, 8, 10, 1024, 1031, 1033):  # lock, owner, signal, lease, pipe size, seals
        assert ask("fcntl", 0, command) & 0xFFFF0000 == ERRNO
    assert ask("ioctl", 0, 0x5401) == ALLOW
    assert ask("ioctl", 0, 0x5412) & 0xFFFF0000 == ERRNO  # TIOCSTI


def test_files_of_the_library_cannot_be_locked_nor_the_disk_kept_busy(ask):
    assert ask("flock", 3, 2) == ERRNO | EPERM
    assert ask("fsync", 1) == ERRNO  # says it is done, and does nothing


def test_attributes_that_undo_confinement_cannot_be_set(ask):
    assert ask("prctl", 15) == ALLOW
    for option in (1, 4, 8, 22, 24, 38):
        assert ask("prctl", option) == ERRNO | EPERM


def test_foreign_architectures_and_x32_kill(machine):
    program = seccomp.assemble(machine, paths=True)
    assert decide(program, OTHER[machine], 0) == KILL
    assert decide(program, machine, 0x40000000) == KILL
    assert decide(program, machine, -1) == KILL


def test_without_a_cage_no_path_can_be_opened(machine):
    program = seccomp.assemble(machine, paths=False)
    numbers = syscalls.numbers_of(machine)
    for name in ("open", "openat", "readlinkat", "faccessat", "chdir"):
        if name in numbers:
            assert decide(program, machine, numbers[name]) == ERRNO | EACCES


def test_a_filter_fits_the_kernels_limit(machine):
    assert len(seccomp.assemble(machine, paths=True)) // 8 < 4096


def test_no_two_calls_share_a_number(machine):
    numbers = syscalls.numbers_of(machine)
    assert len(set(numbers.values())) == len(numbers)

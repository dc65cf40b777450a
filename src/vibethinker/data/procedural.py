"""Problems and worked traces drawn from the families, and arithmetic drills for pretraining."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from random import Random

from vibethinker.algos.ways import FENCE, WAYS
from vibethinker.data.families import CODE_FAMILIES, FAMILIES, STEM_FAMILIES, Draft, Family
from vibethinker.data.families.draft import add, over, times
from vibethinker.data.splits import bucket, question_hash
from vibethinker.errors import InputError
from vibethinker.records import Problem, Trace

# A family at a level that yields nothing new in this many draws is taken as used up; ours.
DRAWS_BEFORE_GIVING_UP = 300

OPERATIONS_PER_DRILL = 5


@dataclass(frozen=True)
class Drawn:
    """A problem together with the draft that its traces are written from."""

    problem: Problem
    draft: Draft


def choose_families(domains: Sequence[str], names: Sequence[str] | None) -> list[Family]:
    """Return the families of the domains, or the named ones among them.

    Raises:
        InputError: If a name is no family of these domains.
    """
    found = [family for family in FAMILIES + CODE_FAMILIES + STEM_FAMILIES if family.domain in domains]
    if names is None:
        return found
    known = {family.name: family for family in found}
    for name in names:
        if name not in known:
            raise InputError(f"no family {name!r} in {', '.join(domains)}; there are {', '.join(sorted(known))}")
    return [known[name] for name in names]


def draw_problems(
    families: Sequence[Family], levels: Sequence[int], buckets: range, *, count: int, rng: Random
) -> list[Drawn]:
    """Draw distinct problems whose questions fall into the buckets, in turn from every family at every level.

    Raises:
        InputError: If the families hold fewer distinct problems than asked for.
    """
    cells = [(family, level) for family in families for level in levels]
    seen: set[str] = set()
    drawn: list[Drawn] = []
    while cells and len(drawn) < count:
        rng.shuffle(cells)
        for cell in list(cells):
            found = _draw_new(*cell, buckets, seen, rng)
            if found is None:
                cells.remove(cell)
            elif len(drawn) < count:
                seen.add(found.problem.id)
                drawn.append(found)
    if len(drawn) < count:
        raise InputError(
            f"asked for {count} problems, but the chosen families and levels hold about {len(drawn)}: "
            f"lower the count or add families or levels"
        )
    return drawn


def _draw_new(family: Family, level: int, buckets: range, seen: set[str], rng: Random) -> Drawn | None:
    for _ in range(DRAWS_BEFORE_GIVING_UP):
        draft = family.draw(rng, level)
        key = question_hash(draft.question)
        if key not in seen and bucket(draft.question) in buckets:
            problem = Problem(
                key, draft.question, draft.answer_text, family.domain, family.name, level, kind=draft.kind
            )
            return Drawn(problem, draft)
    return None


def write_trace(draft: Draft, way: str) -> str:
    """Write the draft's solution in one of the ways; it ends in the boxed answer or in the program's fenced block.

    Raises:
        ValueError: If there is no such way.
    """
    # The last line of a choice's calculation is its value; which option that is must be looked up in the question.
    brief = f"{draft.expression}={draft.answer_text}" if draft.kind == "math" else draft.expression
    end = f"\\boxed{{{draft.answer_text}}}" if draft.program is None else f"{FENCE}\n{draft.program}\n```"
    match way:
        case "careful":
            return "\n".join((*draft.steps, end))
        case "brief":
            return f"{brief}\n{end}"
        case "direct":
            return end
    raise ValueError(f"no way of solving {way!r}; there are {', '.join(WAYS)}")


def draw_traces(drawn: Sequence[Drawn], shares: Mapping[str, float], *, per_problem: int, rng: Random) -> list[Trace]:
    """Write ``per_problem`` traces of different ways for every problem, ways drawn by their shares."""
    traces = []
    for item in drawn:
        left = {way: share for way, share in shares.items() if share > 0}
        for _ in range(min(per_problem, len(left))):
            way = rng.choices(list(left), weights=list(left.values()))[0]
            del left[way]
            problem = item.problem
            traces.append(Trace(problem.id, problem.question, problem.domain, way, write_trace(item.draft, way)))
    return traces


def draw_drills(drawn: Sequence[Drawn], *, count: int, rng: Random) -> Iterator[list[str]]:
    """Yield drills: lines of single operations, as pieces that alternate between given and to be learned.

    Half of the operations are steps of the problems handed in, so that the numbers met in solving are the numbers
    practised; half are drawn evenly over sizes.
    """
    steps = [step for item in drawn for step in item.draft.steps if "=" in step and not step[0].isalpha()]
    for _ in range(count):
        pieces: list[str] = []
        for line in range(OPERATIONS_PER_DRILL):
            use_step = steps and rng.random() < 0.5
            left, _, right = (rng.choice(steps) if use_step else draw_operation(rng)).partition("=")
            pieces += [("\n" if line else "") + left + "=", right]
        yield pieces


def draw_operation(rng: Random) -> str:
    """Draw one operation on two numbers, such as ``17*8=136``."""
    kind = rng.choice(_OPERATIONS)
    return kind(rng)


def _sized(rng: Random, digits: int) -> int:
    return rng.randint(0, 10 ** rng.randint(1, digits) - 1)


def _sum(rng: Random) -> str:
    return add(rng.choice((1, 1, 1, -1)) * _sized(rng, 3), _sized(rng, 3))


def _difference(rng: Random) -> str:
    return add(rng.choice((1, 1, 1, -1)) * _sized(rng, 3), -_sized(rng, 3))


def _product(rng: Random) -> str:
    a, b = rng.randint(2, 12), rng.choice((1, 1, 1, -1)) * _sized(rng, 2)
    return times(a, b) if rng.random() < 0.5 else times(b, a)


def _square(rng: Random) -> str:
    a = rng.randint(1, 20)
    return times(a, a)


def _quotient(rng: Random) -> str:
    b = rng.randint(2, 12)
    return over(b * rng.choice((1, 1, 1, -1)) * _sized(rng, 2), b)


def _fraction(rng: Random) -> str:
    divisor, bottom = rng.randint(1, 9), rng.randint(2, 12)
    top = rng.randint(1, 40)
    return over(divisor * top, divisor * bottom)


def _half_sum(rng: Random) -> str:
    return add(Fraction(2 * _sized(rng, 2) + 1, 2), rng.choice((1, -1)) * _sized(rng, 2))


_OPERATIONS: tuple[Callable[[Random], str], ...] = (
    _sum, _sum, _difference, _difference, _product, _product, _square, _quotient, _quotient, _fraction, _half_sum,
)  # fmt: skip

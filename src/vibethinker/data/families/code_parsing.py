"""Code that reads strings: cells of a table, fields of records, packs and single things."""

from collections.abc import Sequence
from random import Random

from vibethinker.data.families.draft import Draft, add, between, code_draft, times

_SEPARATORS = (",", ";", "/", "|", ":", "-")


def cells(count: int, *, start: int = 0) -> list[str]:
    """Return so many numbers as text, those near one another distinct."""
    return [str((37 * (start + place) + 3) % 997) for place in range(count)]


def table_cell(rng: Random, level: int) -> Draft:
    """A cell by its number, counted along the rows; from level 4 by its distance from another."""
    width = between(rng, 2, (5, 6, 9, 9, 12)[level - 1])
    index = between(rng, width if level < 3 else 2 * width, width * (5, 6, 7, 7, 8)[level - 1] - 1)
    row, column = divmod(index, width)
    rows, columns = rng.sample(_SEPARATORS, 2)
    from_one = level >= 3 or rng.random() < 0.5
    number = index + 1 if from_one else index
    steps, worked, named = [], str(number), f"cell {number}"
    if level >= 4:
        rounds = between(rng, 2, min(5, number - 1)) if level == 5 else 1
        ahead = between(rng, 1, max(1, (number - 2) // rounds))
        before = number - ahead * rounds
        steps += [times(ahead, rounds)] if rounds > 1 else []
        steps.append(add(before, ahead * rounds))
        gone = f"{ahead}*{rounds}" if rounds > 1 else str(ahead)
        worked, named = f"{before}+{gone}", f"the cell {gone} after cell {before}"
    if from_one:
        steps.append(add(number, -1))
        worked = f"({worked}-1)"
    elif level >= 4:
        worked = f"({worked})"
    steps += [f"{index}//{width}={row}", times(row, width), add(index, -row * width)]
    return code_draft(
        f's is a table, rows split by "{rows}", cells by "{columns}", {width} to a row. Cells count from '
        f"{1 if from_one else 0} along the rows. Write f(s): {named}.",
        f's: return s.split("{rows}")[{row}].split("{columns}")[{column}]',
        lambda s: s.replace(rows, columns).split(columns)[number - from_one],
        [_table(width, row + more, (rows, columns), start) for more, start in ((1, 0), (2, 5), (3, 11), (2, 400))],
        steps,
        [f"{worked}//{width}={row}", f"{worked}%{width}={column}"],
    )


def _table(width: int, height: int, separators: Sequence[str], start: int) -> str:
    rows, columns = separators
    values = cells(width * height, start=start)
    return rows.join(columns.join(values[row * width : (row + 1) * width]) for row in range(height))


def record_field(rng: Random, level: int) -> Draft:
    """A field of a record in one flat line; from level 4 behind a header, at level 5 with spare fields between."""
    width = between(rng, 2, (6, 9, 9, 9, 7)[level - 1])
    record, field = between(rng, 2, (9, 9, 12, 12, 9)[level - 1]), between(rng, 1, width)
    header = between(rng, 2, 12) if level >= 3 else 0
    spare = between(rng, 2, 5) if level >= 4 else 0
    factor = between(rng, 2, 9) if level == 5 else 1
    stride = width + spare
    skipped = (record - 1) * stride
    index = skipped + field - 1 + header
    steps = [add(width, spare)] if spare else []
    steps += [add(record, -1), times(record - 1, stride), add(skipped, field), add(skipped + field, -1)]
    steps += [add(skipped + field - 1, header)] if header else []
    split = rng.choice(_SEPARATORS[:4])
    spacing = f" and {spare} spare ones after each" if spare else ""
    start = f" after {header} fields of a header" if header else ""
    picked = f's.split("{split}")[{index}]'

    def reference(s: str) -> object:
        behind_header = s.split(split)[header:]
        found = behind_header[(record - 1) * stride :][field - 1]
        return factor * int(found) if factor > 1 else found

    return code_draft(
        f's has records of {width} fields{spacing}{start}, all split by "{split}". '
        f"Write f(s): {f'{factor} times ' if factor > 1 else ''}field {field} of record {record}"
        f"{' as a number' if factor > 1 else ''}.",
        f"s: return {f'{factor}*int({picked})' if factor > 1 else picked}",
        reference,
        [split.join(cells(index + more, start=first)) for more, first in ((1, 0), (2, 3), (6, 20), (stride + 1, 300))],
        steps,
        [f"({record}-1)*{f'({width}+{spare})' if spare else width}+{field}-1{f'+{header}' if header else ''}={index}"],
    )


def packs(rng: Random, level: int) -> Draft:
    """Packs and single things as one number, less what is gone; from level 3 gone several times over."""
    size = between(rng, 3, (12, 20, 12, 15, 25)[level - 1])
    gone, loose = between(rng, 2, (9, 9, 9, 12, 12)[level - 1]), between(rng, 2, size - 1)
    rounds = between(rng, 2, (0, 0, 4, 6, 9)[level - 1]) if level >= 3 else 1
    back = between(rng, 2, 20) if level == 5 else 0
    once = gone * size + loose
    total = once * rounds - back
    steps = [times(gone, size), add(gone * size, loose)]
    steps += [times(once, rounds)] if rounds > 1 else []
    steps += [add(once * rounds, -back)] if back else []
    split = rng.choice(_SEPARATORS[:5])
    often = f" {rounds} times" if rounds > 1 else ""
    whole = f"{gone}*{size}+{loose}"
    return code_draft(
        f's is packs of {size} pens and single pens, like "3{split}5". '
        f"{gone} packs and {loose} pens are taken away{often}{f', {back} pens come back' if back else ''}. "
        f"Write f(s): the pens left.",
        f's: p,q=s.split("{split}")\nreturn {size}*int(p)+int(q)-{total}',
        lambda s: sum(size * int(p) + int(q) for p, q in [s.split(split)]) - rounds * (gone * size + loose) + back,
        [f"{p}{split}{q}" for p, q in ((3, 5), (0, 0), (gone * rounds, loose * rounds), (1, 0), (40, size + 2))],
        steps,
        [f"{f'({whole})*{rounds}' if rounds > 1 else whole}{f'-{back}' if back else ''}={total}"],
    )


DRAWS = (table_cell, record_field, packs)

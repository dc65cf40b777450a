"""Every rollout of a reinforcement learning run, on disk: a file per step while it runs, one table at its end."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from vibethinker.data.tables import write_table

ROLLOUT_SCHEMA = pa.schema(
    [
        ("step", pa.int32()),
        ("prompt_id", pa.string()),
        ("question", pa.string()),
        ("domain", pa.string()),
        ("level", pa.int32()),
        ("answer", pa.string()),
        ("kind", pa.string()),
        ("text", pa.string()),
        ("reward", pa.float32()),
        ("correct", pa.bool_()),
        ("status", pa.string()),
        ("length", pa.int32()),
        ("truncated", pa.bool_()),
        ("advantage", pa.float32()),
        ("weight", pa.float32()),
    ]
)


class RolloutFiles:
    """One Parquet file per step below ``folder``, so that a resumed run can forget what it is about to do again."""

    def __init__(self, folder: Path) -> None:
        """Keep the files below ``folder``."""
        self.folder = folder

    def write(self, step: int, rows: Sequence[dict[str, Any]]) -> None:
        """Write the rollouts of a step."""
        write_table(self.folder / f"{step:06d}.parquet", [{"step": step, **row} for row in rows], ROLLOUT_SCHEMA)

    def cut_back(self, step: int) -> None:
        """Forget the steps after ``step``."""
        for path in self.folder.glob("*.parquet"):
            if int(path.stem) > step:
                path.unlink()

    def finish(self, output: Path, *, last: int) -> dict[str, Any]:
        """Write all steps as one table, one after another.

        Returns:
            How many there are, how often each verdict came, and the mean reward, weight and share of groups without
            signal over the ``last`` steps; a mean is None where there is nothing to average.
        """
        statuses: Counter[str] = Counter()
        paths = sorted(self.folder.glob("*.parquet"))
        partial = output.with_suffix(".partial")
        ending = []
        with pq.ParquetWriter(partial, ROLLOUT_SCHEMA, compression="zstd") as writer:
            for path in paths:
                table = pq.read_table(path, schema=ROLLOUT_SCHEMA)
                statuses.update(table.column("status").to_pylist())
                writer.write_table(table)
                if path in paths[-last:]:
                    ending.append(table)
        partial.replace(output)
        closing = pa.concat_tables(ending) if ending else ROLLOUT_SCHEMA.empty_table()
        return {
            "rollouts": sum(statuses.values()),
            "verdicts": dict(sorted(statuses.items())),
            "reward": pc.mean(closing.column("reward")).as_py(),
            "weight": pc.mean(closing.column("weight")).as_py(),
            "no_signal": pc.mean(pc.cast(pc.equal(closing.column("advantage"), 0.0), pa.float32())).as_py(),
        }

"""The probe stage: Pass@K of every checkpoint in every domain."""

from typing import Literal

from pydantic import Field

from vibethinker.configs.common import PassAtKConfig, StageConfig, StageId


class ProbeConfig(StageConfig, PassAtKConfig):
    """Domain-aware diversity probing (1.5B section 3.3)."""

    kind: Literal["probe"]
    checkpoints: StageId
    """The sft stage whose checkpoints are probed."""
    data: StageId
    """The data stage, for its probing set."""
    problems_per_domain: int | None = Field(default=None, ge=1)
    """Use at most this many probing problems of each domain; all when absent."""

    def input_ids(self) -> tuple[str, ...]:
        """The sft and the data stage."""
        return (self.checkpoints, self.data)

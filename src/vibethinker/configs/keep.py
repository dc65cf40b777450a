"""Which checkpoints of a fine-tuning stay on disk."""

from pydantic import Field

from vibethinker.configs.common import PassAtKConfig, StageId


class KeepConfig(PassAtKConfig):
    """Every checkpoint is probed when it is saved, and those that cannot become a specialist any more are removed.

    Ours. The probe stage then chooses among those that are left, and samples them anew.
    """

    data: StageId
    """The data stage, for its probing set."""
    most: int = Field(default=8, ge=1)
    """Checkpoints of a run on disk beside the one just saved, at least as many as there are domains."""
    problems_per_domain: int | None = Field(default=None, ge=1)
    """Use at most this many probing problems of each domain; all when absent."""
    error: float = Field(default=0.05, gt=0, le=0.5)
    """Chance at each save of removing the checkpoint that would win a domain on all of its probing problems; ours."""

"""The open training stack for the Spectrum-to-Signal recipe.

``from vibethinker import MGPOConfig, MGPOTrainer`` gives TRL users the trainer alone; it is imported on first use, so
that everything without a tensor library starts fast.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vibethinker.engines.mgpo_config import MGPOConfig
    from vibethinker.engines.mgpo_trainer import MGPOTrainer

__all__ = ["MGPOConfig", "MGPOTrainer"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a module's attribute
    if name in __all__:
        from vibethinker.engines import mgpo_config, mgpo_trainer

        return getattr(mgpo_config if name == "MGPOConfig" else mgpo_trainer, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

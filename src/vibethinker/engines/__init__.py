"""The only room with torch, transformers and TRL."""

import warnings

# Raised by TRL's own calls into transformers; nobody who runs a recipe can act on them.
warnings.filterwarnings("ignore", message=".*gradient_checkpointing", category=FutureWarning)

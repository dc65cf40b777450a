"""The only room with torch, transformers and TRL."""

import os
import warnings

# One progress bar is enough, and it is ours.
os.environ.setdefault("TQDM_DISABLE", "1")
# Raised by TRL's own calls into transformers; nobody who runs a recipe can act on them.
warnings.filterwarnings("ignore", message=".*gradient_checkpointing", category=FutureWarning)

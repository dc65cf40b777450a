"""What all tests share: no wall-clock deadlines, and idle threads that do not spin."""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "passive")

from hypothesis import settings

# A slow or busy machine is not a failing test.
settings.register_profile("steady", deadline=None)
settings.load_profile("steady")

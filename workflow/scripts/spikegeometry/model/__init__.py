"""The classifier: training, prediction and what is recorded of it."""

import os

# Read when torch is loaded, hence here: threads that wait for one another sleep instead of spinning. On cores that
# other work shares, training is three to four times as fast.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

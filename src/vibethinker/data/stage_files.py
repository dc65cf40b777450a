"""Names of files by which one part of the package finds what another wrote."""

PROBE_FILE = "probe.json"
"""A probe's figures and choices."""
SAMPLES_FILE = "samples.parquet"
"""Every response that a stage drew, judged."""

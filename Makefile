.PHONY: check lint types layers test verl-contract mergekit-parity quickstart micro-base benchmarks

# Shared cores: idle threads must not spin (ten times faster when cores are busy).
export OMP_WAIT_POLICY = passive

check: lint types layers test

lint:
	uv run ruff format --check .
	uv run ruff check .

types:
	uv run mypy

layers:
	uv run lint-imports

test:
	uv run pytest

# verl pins a transformers older than ours, so that it has an environment of its own.
VERL_ENV ?= .venv-verl

verl-contract:
	uv venv --quiet --allow-existing --python 3.11 $(VERL_ENV)
	uv pip install --quiet --python $(VERL_ENV)/bin/python -r tools/verl_environment.txt
	uv pip install --quiet --python $(VERL_ENV)/bin/python --no-deps verl==0.9.1 --editable .
	VERL_ENV=$(VERL_ENV) uv run pytest tests/integration/test_verl_contract.py

# mergekit has an environment of its own as well; benchmarks/fuse.py takes it too.
MERGEKIT_ENV ?= .venv-mergekit

mergekit-parity:
	uv venv --quiet --allow-existing --python 3.11 $(MERGEKIT_ENV)
	uv pip install --quiet --python $(MERGEKIT_ENV)/bin/python -r tools/mergekit_environment.txt
	MERGEKIT_ENV=$(MERGEKIT_ENV) uv run pytest tests/parity/test_mergekit.py

quickstart:
	uv run vibethinker run recipes/quickstart.yaml

# Makes the base that the package ships, from nothing: about half an hour on two cores.
micro-base:
	uv run vibethinker run recipes/micro-base.yaml
	uv run python tools/ship_micro_base.py runs/micro-base

benchmarks:
	uv run python benchmarks/verify.py
	uv run python benchmarks/sampler.py
	uv run python benchmarks/rl_step.py
	uv run python benchmarks/signal_phase.py step
	uv run python benchmarks/signal_phase.py prompts
	uv run python benchmarks/signal_phase.py lam
	uv run python benchmarks/signal_phase.py brevity
	uv run python benchmarks/quickstart.py

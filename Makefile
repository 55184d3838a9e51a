# `make help` lists the targets. Each installs what it needs into .venv, once.

SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
STAMP = $(VENV)/.installed-$(1)
# Where uv is installed it makes the environment, and can find or fetch a Python; else venv and pip.
UV := $(shell command -v uv 2>/dev/null)

# One environment, one installer at a time.
.NOTPARALLEL:
.PHONY: demo test test-slow test-data test-backends lint docs wheel clean help

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-11s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: $(call STAMP,demo) ## train on digits and captioned scenes, print scores, write a report
	$(BIN)/python -m experiments.demo

test: $(call STAMP,test) ## run the tests (those marked slow or real_data are left out)
	$(BIN)/python -m pytest -n 2 -m "not slow and not real_data"

test-slow: $(call STAMP,test) ## run the slow tests
	$(BIN)/python -m pytest -m "slow and not real_data"

test-data: $(call STAMP,test) ## run the tests on real data under SIMLEARN_DATA
	$(BIN)/python -m pytest -m "real_data"

# JAX and PyTorch in an environment of their own: a gigabyte that nothing else needs.
BACKENDS := .venv-backends
test-backends: $(BACKENDS)/.installed ## run the losses' proofs on JAX and PyTorch
	KERAS_BACKEND=jax JAX_ENABLE_X64=1 $(BACKENDS)/bin/python -m pytest $(ON_BACKENDS)
	KERAS_BACKEND=torch $(BACKENDS)/bin/python -m pytest $(ON_BACKENDS)
ON_BACKENDS := -p no:cacheprovider -n 2 tests/simlearn/losses/test_conformance.py

lint: $(call STAMP,dev) ## style, types and import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(call STAMP,dev) ## build the documentation into site/
	$(BIN)/mkdocs build --strict

wheel: $(call STAMP,dev) ## build the wheel into dist/
	$(BIN)/python -m build --wheel

clean: ## remove the environment and everything built
	rm -rf $(VENV) $(BACKENDS) dist site build .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/.created:
	@if [ -n "$(UV)" ]; then \
		"$(UV)" venv --quiet --seed --python '>=3.11,<3.14' $(VENV) && touch $@ && exit 0; \
	fi; \
	for python in python3.12 python3.13 python3.11 python3 python; do \
		if $$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; then \
			if $$python -c 'import ensurepip, venv' 2>/dev/null; then \
				rm -rf $(VENV) && $$python -m venv $(VENV) && touch $@ && exit 0; \
			fi; \
			without_venv=$$python; \
		fi; \
	done; \
	if [ -n "$$without_venv" ]; then \
		echo "simlearn: $$without_venv has no venv module; install it (Debian: apt install python3-venv)" >&2; \
	else \
		echo "simlearn needs Python 3.11, 3.12 or 3.13, found none; install one, or uv, and run make again" >&2; \
	fi; \
	exit 1

# Not by uv: pip also takes a CPU build of PyTorch that lies on the machine.
$(BACKENDS)/.installed: pyproject.toml constraints.txt $(VENV)/.created
	@echo "installing simlearn[backends] into $(BACKENDS)"
	@$(BIN)/python -m venv $(BACKENDS)
	@$(BACKENDS)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[backends]'
	@touch $@

# The extra that each set of targets installs.
EXTRA_demo := [experiments]
EXTRA_test := [test]
EXTRA_dev := [dev]

$(VENV)/.installed-%: pyproject.toml constraints.txt $(VENV)/.created
	@echo "installing simlearn$(EXTRA_$*) into $(VENV)"
	@if [ -n "$(UV)" ]; then \
		"$(UV)" pip install --quiet --python $(BIN)/python -c constraints.txt -e '.$(EXTRA_$*)'; \
	else \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.$(EXTRA_$*)'; \
	fi
	@touch $@

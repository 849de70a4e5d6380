# `make test` and `make demo` need only Python 3.11 or newer and make: the first call installs everything into .venv.

PYTHON ?=
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
INSTALLED_DOCS := $(VENV)/.installed-docs
TEST_OPTIONS ?= -n 3 --dist worksteal
PIP := $(BIN)/python -m pip --disable-pip-version-check
# Its weights are all that is wanted of it; what it depends on needs a compiler.
UNDEMANDING := --no-deps resemblyzer==0.1.4

.DEFAULT_GOAL := help
.PHONY: help demo test test-slow gpu coverage browser dev lint format typecheck docs clean

help:  ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1: /p' $(MAKEFILE_LIST)

# The first Python on this machine that is new enough and can make virtual environments.
$(BIN)/python:
	@for candidate in $(PYTHON) python3 python3.13 python3.12 python3.11 python; do \
	    if $$candidate -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	        $$candidate -m venv $(VENV) && exit 0 || exit 1; \
	    fi; \
	done; echo "Python 3.11 or newer (with its venv module) is needed; name one with make PYTHON=/path/to/python" >&2; exit 1

$(INSTALLED): pyproject.toml | $(BIN)/python
	@echo "Installing into $(VENV) (a few minutes the first time)"
	$(PIP) install -qq --editable '.[dev]'
	$(PIP) install -qq $(UNDEMANDING)
	@touch $@

$(INSTALLED_DOCS): pyproject.toml $(INSTALLED)
	$(PIP) install -qq --editable '.[dev,docs]'
	$(PIP) install -qq $(UNDEMANDING)
	@touch $@

# Type checkers cannot follow the mapping of the root folders to `unpaired.*`; this view spells it out for them.
dev: $(INSTALLED)  ## Install for development and write the type checkers' view
	@mkdir -p .view/unpaired
	@for folder in core domains apps models; do ln -sfn ../../$$folder .view/unpaired/$$folder; done
	@for file in __init__.py py.typed; do ln -sf ../../api/$$file .view/unpaired/$$file; done

lint: $(INSTALLED)  ## Check style and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(INSTALLED)  ## Fix style and format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

typecheck: dev  ## Strict type check of core and domains
	$(BIN)/mypy -p unpaired.core -p unpaired.domains -p unpaired.apps

test: lint typecheck  ## Lint, type-check and test
	$(BIN)/python -m pytest -m "not slow" $(TEST_OPTIONS)

test-slow: $(INSTALLED)  ## The tests that take minutes
	$(BIN)/python -m pytest -m slow

gpu: $(INSTALLED)  ## On a machine with a CUDA device: its tests, and the benchmarks of training, conversion and loading there
	$(BIN)/python -m pytest -m gpu
	$(BIN)/python benchmarks/training_step.py --size 256
	$(BIN)/python benchmarks/training_step.py --size 256 --compile
	$(BIN)/python benchmarks/conversion.py
	$(BIN)/python benchmarks/loading.py tests/assets/day2night/day tests/assets/day2night/night --workers 8 --batches 400

coverage: dev  ## Which lines and branches the tests of `make test` reach
	$(BIN)/python -m pytest -m "not slow" $(TEST_OPTIONS) --cov --cov-report=term

demo: $(INSTALLED)  ## Translate a picture, a clip and a voice with the shipped models, then train, resume and use a tiny one
	$(BIN)/python apps/demo.py

browser:  ## Install Chromium, which the page is tested in, where there is none (Debian and Ubuntu, as root)
	@for name in chromium chromium-browser google-chrome google-chrome-stable; do \
	    if command -v $$name >/dev/null; then exit 0; fi; \
	done; apt-get -qq update && apt-get -qq install --no-install-recommends -y chromium

docs: $(INSTALLED_DOCS)  ## Build the documentation into docs/_build/html
	$(BIN)/sphinx-build --fail-on-warning --keep-going -b html docs docs/_build/html

clean:  ## Remove everything that was built (runs and .venv are kept)
	rm -rf build dist demo docs/_build .view .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info
	find api core domains apps models tests benchmarks -name __pycache__ -type d -exec rm -rf {} +

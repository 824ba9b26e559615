# `make demo` and `make test` do all set-up themselves; a second run starts at once.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test check bench bench-quick docs docs-serve peers schema clean distclean

VENV ?= .venv
# workers of the tests; one thread each, so that they do not fight for the cores
WORKERS ?= 2
ONE_THREAD := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 NUMBA_NUM_THREADS=1
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-12s %s\n", $$1, $$2 }'

demo: $(VENV)/.demo ## identify and refine measured example files (all set-up included)
	@$(BIN)/python tools/demo.py

test: $(VENV)/.dev ## run all tests (all set-up included)
	@$(ONE_THREAD) $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(ARGS)

check: $(VENV)/.dev ## style, types, layers, published schema
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m whorl.core.schema | diff -u docs/verdict.schema.json - || { echo "docs/verdict.schema.json is old: run make schema" >&2; exit 1; }

bench: $(VENV)/.dev ## run every benchmark in full, and print the tables
	@$(BIN)/python tools/run_benchmarks.py

bench-quick: $(VENV)/.dev ## a smoke test of every benchmark
	@$(BIN)/python tools/run_benchmarks.py --quick

peers: ## install the programs whorl is measured against into .venv-peers
	benchmarks/peers/setup.sh

docs: $(VENV)/.dev ## build the documentation into site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

docs-serve: $(VENV)/.dev ## show the documentation while it is written
	$(BIN)/mkdocs serve

schema: $(VENV)/.dev ## write docs/verdict.schema.json anew
	$(BIN)/python -m whorl.core.schema > docs/verdict.schema.json.new
	mv docs/verdict.schema.json.new docs/verdict.schema.json

clean: ## remove what the tools leave behind
	rm -rf build dist site demo .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find src tests benchmarks tools -name __pycache__ -prune -exec rm -rf {} +

distclean: clean ## also remove the virtual environments
	rm -rf $(VENV) .venv-peers

# Stamps: the environment, then what is installed in it. Versions are exact (constraints.txt), the build tool's too.
$(VENV)/.base: pyproject.toml constraints.txt
	@if [ ! -x $(BIN)/python ]; then \
	  python="$$(tools/find_python.sh)"; \
	  echo "make: a virtual environment in $(VENV) with $$python"; \
	  "$$python" -m venv $(VENV); \
	fi
	@$(PIP) hatchling editables
	@touch $@

$(VENV)/.demo: $(VENV)/.base
	@echo "make: installing whorl and the example data (once)"
	@$(PIP) --no-build-isolation -e '.[demo]'
	@touch $@

$(VENV)/.dev: $(VENV)/.base
	@echo "make: installing whorl with the tools of its developers (once)"
	@$(PIP) --no-build-isolation -e '.[dev,demo]'
	@touch $@ $(VENV)/.demo

# Two commands do everything on a fresh Linux machine with Python 3.11 or newer: make demo, make test.

VENV ?= .venv
export VENV
PYTHON_BIN := $(VENV)/bin/python
JOBS ?= 2
export HF_HUB_OFFLINE := 1
export TOKENIZERS_PARALLELISM := false

.DEFAULT_GOAL := help
.PHONY: help install install-dev demo test lint types layers lengths pytest dist clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: ## make .venv and install Segue with the bundled title encoder
	@sh tools/install.sh bundled

install-dev:
	@sh tools/install.sh dev
	@sh tools/chromium.sh || true

demo: install ## build a model from the bundled catalogue and print playlists for six titles
	@$(PYTHON_BIN) -m segue demo -o runs/demo

test: install-dev ## every check: style, types, layers, doctests, README, examples, tests
	@$(MAKE) --no-print-directory lint types layers lengths pytest
	@echo "-- all checks passed"

lint:
	@echo "-- ruff"
	@$(PYTHON_BIN) -m ruff check .
	@$(PYTHON_BIN) -m ruff format --check .

types:
	@echo "-- mypy --strict"
	@$(PYTHON_BIN) -m mypy

layers:
	@echo "-- import-linter"
	@$(VENV)/bin/lint-imports

lengths:
	@echo "-- no module over 400 lines"
	@find src -name '*.py' -exec awk 'END { if (NR > 400) { print FILENAME ": " NR " lines"; exit 1 } }' {} \; \
		| { ! grep .; }

pytest:
	@echo "-- pytest, doctests included"
	@$(PYTHON_BIN) -m pytest -n $(JOBS)

dist: install-dev ## build the wheel and the source archive into dist/
	@echo "-- building"
	@rm -rf dist
	@$(PYTHON_BIN) -m build --outdir dist . > $(VENV)/build.log 2>&1 \
		|| { tail -n 5 $(VENV)/build.log; echo "segue: the build failed; $(VENV)/build.log says why." >&2; exit 1; }
	@ls -1 dist

clean: ## remove the environment, caches, builds and the demo's files
	@rm -rf $(VENV) dist build runs/demo .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# make demo · make test · make test-long · make browser · make check · make bench · make chaos · make dist · make docs · make texts. Everything runs from .venv, which `make setup` builds.

PYTHON ?= python3
BIN := .venv/bin
PROJECTS := packages/zaloweb/pyproject.toml packages/clawlane/pyproject.toml extensions/zalouser/pyproject.toml
# Texts in other languages, compiled: not in git, made by `pip install` and again when a .po is newer.
TEXTS := $(patsubst %.po,%.mo,$(wildcard */*/src/*/locales/*/LC_MESSAGES/*.po))
# Two times quiet: otherwise warnings about the machine's own pip configuration come once per package.
PIP := $(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check --constraint constraints.txt

# Tests start Python many times, and import hundreds of modules in each of their processes: compiled once, and kept.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup demo test test-long browser check bench chaos dist docs texts constraints clean

setup: .venv/.complete

.venv/.complete: constraints.txt requirements-dev.txt $(PROJECTS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "clawlane needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.12 $(MAKECMDGOALS)")'
	@$(PYTHON) -c 'import venv, ensurepip' || (echo "python3 lacks venv or pip: install them (Debian: apt install python3-venv) and run make again" >&2; exit 1)
	@echo "setting up .venv (once; a minute or less plus downloads)"
	@$(PYTHON) -m venv .venv
	@$(PIP) --upgrade pip setuptools
	@$(PIP) hatchling editables babel
	@$(PIP) --no-build-isolation -e 'packages/zaloweb[sim]' -e 'packages/clawlane[agent,mcp,metrics,postgres]' -e 'extensions/zalouser[rehearsal]' -r requirements-dev.txt
	@touch $@

demo: setup $(TEXTS)
	@$(BIN)/python -m demo.first_contact

test: setup $(TEXTS)
	@$(BIN)/python -m pytest --numprocesses 2 --dist loadscope --no-loadscope-reorder

# Stories that take minutes: chaos with a fixed seed, recalls at every stage, clocks that are wrong, and what becomes of
# a turn's files, tools and limits beyond the first story of each. They wait more than they work: three at once.
test-long: setup $(TEXTS)
	@$(BIN)/python -m pytest -m long --numprocesses 3 --dist worksteal
	@$(MAKE) --no-print-directory browser

# The console in Debian's chromium (`apt install chromium`). SCREENSHOTS=FOLDER keeps what it looked like.
browser: setup $(TEXTS)
	@$(BIN)/python -c 'import playwright' 2>/dev/null || $(PIP) playwright || echo "playwright cannot be installed: the browser's tests are skipped" >&2
	@$(BIN)/python -m pytest -m browser tests/browser

check: setup $(TEXTS)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: setup $(TEXTS)
	@$(BIN)/python -m benchmarks.run

# The long version of the story in tests/chaos; `make test` plays a short one. STORIES=20 SEED=7 to change it, and
# AGENT=model for a model that acts by its tools in each turn. GATEWAYS=3: so many on one PostgreSQL, and other troubles.
STORIES ?= 5
SEED ?= 1
AGENT ?= echo
GATEWAYS ?= 1
chaos: setup $(TEXTS)
	@PYTHONPATH=tests:. $(BIN)/python -m chaos.run --stories $(STORIES) --seed $(SEED) --agent $(AGENT) --gateways $(GATEWAYS)

# The three wheels in dist/, and a try of them in an environment that has nothing else of ours. Their dependencies come
# from wherever pip is configured to look, in the versions of constraints.txt.
TRIAL := dist/.trial
dist: setup $(TEXTS)
	@rm -rf dist
	@$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir dist packages/zaloweb packages/clawlane extensions/zalouser
	@$(PYTHON) -m venv $(TRIAL)
	@$(TRIAL)/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt dist/*.whl
	@cd $(TRIAL) && bin/python -c 'import clawlane, clawlane_zalouser, zaloweb'
	@cd $(TRIAL) && bin/openclaw --help > /dev/null && bin/clawlane --help > /dev/null
	@cd $(TRIAL) && bin/python -m zaloweb --help > /dev/null
	@rm -rf $(TRIAL)
	@ls dist/*.whl

# The pages that are made from the code; a test holds that they are current.
docs: setup
	@$(BIN)/python -m clawlane.cli.reference > docs/commands.md
	@$(BIN)/python -m clawlane_zalouser.config_reference > docs/config-reference.md
	@mkdir -p docs/runbooks && $(BIN)/python -m clawlane.cli.runbooks docs

# The sentences that the code says, into the catalogues, which are sorted and compiled; a test holds that they are
# current. See docs/languages.md.
texts: setup
	@$(BIN)/python -m tools.texts

%.mo: %.po | setup
	@$(BIN)/python -m tools.texts $<

constraints: setup
	@$(BIN)/python -m pip freeze --exclude-editable > constraints.txt

clean:
	rm -rf .venv dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

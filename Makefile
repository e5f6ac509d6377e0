# Everything a newcomer needs: `make run` starts the broker, `make test` proves it.
PYTHON ?= python3
VENV   ?= .venv
BIN     = $(VENV)/bin
STAMP   = $(VENV)/.installed
JOBS   ?= 4
SECONDS ?= 300
SOURCES = $(shell find server bench common -name '*.pyx' -o -name '*.pxd' -o -name '*.h')

.PHONY: setup build run docs pages test record reference fuzz model lint types check bench pauses sanitize dist dist-check clean
.PHONY: packages man completions deb deb-check release

setup: $(STAMP)

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo \
	    "pynats: Python 3.11 or newer is needed, and $(PYTHON) is not; try make PYTHON=python3.12"; exit 1; }
	@echo "pynats: making a Python environment in $(VENV)/"
	@$(PYTHON) -m venv $(VENV)

# The package is installed in place; the stamp is renewed when the build inputs change.
$(STAMP): $(VENV)/bin/python pyproject.toml setup.py $(SOURCES)
	@echo "pynats: installing what the build needs"
	@$(BIN)/python -m pip install --quiet --upgrade "setuptools>=77" "Cython>=3.1,<4"
	@$(MAKE) --no-print-directory build
	@echo "pynats: installing PyNATS in place, and what it and its tests need"
	@PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --no-build-isolation -e '.[dev]'
	@touch $(STAMP)
	@echo "pynats: ready"

# Compiles changed modules (setup runs it too), and byte code: an installed package has it, and
# without it (PYTHONDONTWRITEBYTECODE) a server in place takes twice as long to start.
build: $(VENV)/bin/python
	@$(BIN)/python setup.py --quiet build_ext --inplace
	@$(BIN)/python -m compileall -q common server tools bench

run: setup
	$(BIN)/pynats-server -m 8222 -js -sd data $(ARGS)

# Who has done its share of the tests takes over some of the others'.
test: setup
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal $(ARGS)

# Asks the reference (the real server) and writes its answers, of the cases that match CASE.
record: setup
	$(BIN)/python -m pytest --record $(if $(CASE),-k '$(CASE)',-n $(JOBS)) $(ARGS)

# Asks it again: records must be what it says; and the tests that only it can answer.
reference: setup
	$(BIN)/python -m pytest --reference -n $(JOBS) $(ARGS)

# Many new random examples for every property test. Takes minutes to hours, so it is not part of
# check.
fuzz: setup
	PYNATS_FUZZ=1 $(BIN)/python -m pytest -n $(JOBS) -m "not slow" --timeout 3600 \
	    $$(grep -rlE "hypothesis|import (examples|FUZZING)" tests --include='test_*.py') $(ARGS)

# Random commands, and a model that predicts what they bring about: for SECONDS, an hour say.
model: setup
	$(BIN)/python -m tests.model.run --seconds $(SECONDS) $(ARGS)

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy

check: lint types test

bench: setup
	$(BIN)/python -m pynats_bench.compare $(ARGS)

pauses: setup
	$(BIN)/python -m pynats_bench.pauses $(ARGS)

# A separate build with checked indices, run with the address and undefined-behaviour sanitizers.
# It must first find the faults that tests/support/planted.pyx contains. Servers that tests start run
# it, too: what is found there fails the test (tests/support/process.py).
SANITIZED    = $(CURDIR)/build/sanitize
SANITIZE_RUN = PYTHONPATH=$(SANITIZED) PYTHONMALLOC=malloc \
               LD_PRELOAD="$$($(CC) -print-file-name=libasan.so) $$($(CC) -print-file-name=libubsan.so)" \
               ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
SANITIZE_TESTS ?= tests/unit/core tests/unit/tls tests/fuzz tests/conformance/protocol

sanitize: setup
	PYNATS_DEBUG=1 PYNATS_SANITIZE=1 $(BIN)/python setup.py --quiet build \
	    --build-lib $(SANITIZED) --build-temp build/sanitize-temp -j $(JOBS)
	$(SANITIZE_RUN) $(BIN)/python -m tests.support.check_sanitized $(SANITIZED)
	$(SANITIZE_RUN) $(BIN)/python -m pytest $(SANITIZE_TESTS) $(ARGS)

# The source distribution, and the wheel for this machine built from it.
dist: setup
	rm -rf dist
	$(BIN)/python -m build --no-isolation --outdir dist

# Installs the wheel into an empty environment, starts the server, sends a message.
dist-check: setup
	PYTHON=$(BIN)/python .ci/dist-check

# The site, in build/site, with the pages that are made from the code. Warnings are errors.
docs: pages
	$(BIN)/python -m sphinx --quiet --nitpicky --fail-on-warning --keep-going \
	    -d build/site-read docs build/site
	@echo "pynats: the documentation is build/site/index.html"

# Generates pages from the code; a test fails if one is stale.
pages: setup
	$(BIN)/python -m pynats_server.settings.export > common/pynats_common/serverkeys/keys.json
	PYTHONPATH=packaging $(BIN)/python -m tests.docs.pages

# All that is installed by hand or by a distribution: into build/man, build/completions, dist/.
packages: man completions deb

# Manual pages and completion scripts, from what the commands say of themselves.
man: setup
	PYTHONPATH=packaging $(BIN)/python -m pynats_packaging.man build/man

completions: setup
	PYTHONPATH=packaging $(BIN)/python -m pynats_packaging.completions build/completions

# Debian packages for this system's Python, into dist/ (packaging/README.md).
deb: setup
	PYTHONPATH=packaging $(BIN)/python -m pynats_packaging.deb dist $(ARGS)

# Installs them in a fresh Debian that boots, as root: start, load, watchdog, upgrade, purge.
deb-check: setup
	PYTHONPATH=packaging $(BIN)/python -m pynats_packaging.deb.check $(ARGS)

# Everything that this machine can build of a release, into dist/, and tried in empty environments:
# source distribution, wheels for each Python that is here and for the tools on other systems, bills
# of materials, checksums. What an earlier run compiled, in build/release, is used again.
release: setup
	PYTHONPATH=packaging $(BIN)/python -m pynats_packaging.release $(ARGS)

clean:
	rm -rf build dist $(VENV) *.egg-info
	find server bench common -name '*.so' -delete

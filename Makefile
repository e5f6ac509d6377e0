# Everything a newcomer needs: `make run` starts the broker, `make test` proves it.
PYTHON ?= python3
VENV   ?= .venv
BIN     = $(VENV)/bin
STAMP   = $(VENV)/.installed
JOBS   ?= 2
SOURCES = $(shell find server bench -name '*.pyx' -o -name '*.pxd' -o -name '*.h')

.PHONY: setup build run docs test record reference fuzz lint types check bench sanitize clean

setup: $(STAMP)

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

# The package is installed in place; the stamp is renewed when the build inputs change.
$(STAMP): $(VENV)/bin/python pyproject.toml setup.py $(SOURCES)
	$(BIN)/python -m pip install --quiet --upgrade pip "setuptools>=77" "Cython>=3.1,<4"
	$(BIN)/python -m pip install --quiet --no-build-isolation -e '.[dev]'
	$(MAKE) --no-print-directory build
	touch $(STAMP)

# Compiles what changed (also run by setup). Byte code, too: an installed package has it, and
# without it (PYTHONDONTWRITEBYTECODE) a server in place needs twice as long to start.
build: $(VENV)/bin/python
	$(BIN)/python setup.py --quiet build_ext --inplace -j $(JOBS)
	$(BIN)/python -m compileall -q common server

run: setup
	$(BIN)/pynats-server -m 8222 -js -sd data $(ARGS)

test: setup
	$(BIN)/python -m pytest -n $(JOBS) $(ARGS)

# Asks the reference (the real server) and writes its answers, of the cases that match CASE.
record: setup
	$(BIN)/python -m pytest --record $(if $(CASE),-k '$(CASE)',-n $(JOBS)) $(ARGS)

# Asks it again: records must be what it says; and the tests that only it can answer.
reference: setup
	$(BIN)/python -m pytest --reference -n $(JOBS) $(ARGS)

# New random examples, many of them, for every property test: minutes to hours, so not in the gate.
fuzz: setup
	PYNATS_FUZZ=1 $(BIN)/python -m pytest -n $(JOBS) -m "not slow" --timeout 3600 \
	    $$(grep -rlE "hypothesis" tests --include='test_*.py') $(ARGS)

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy

check: lint types test

bench: setup
	$(BIN)/python -m pynats_bench.compare $(ARGS)

# A build of its own with checked indices, under the address and undefined-behaviour sanitizers.
SANITIZED    = build/sanitize
SANITIZE_RUN = PYTHONPATH=$(SANITIZED) PYTHONMALLOC=malloc \
               LD_PRELOAD="$$($(CC) -print-file-name=libasan.so) $$($(CC) -print-file-name=libubsan.so)" \
               ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
SANITIZE_TESTS ?= tests/unit/core tests/fuzz tests/conformance/protocol

sanitize: setup
	PYNATS_DEBUG=1 PYNATS_SANITIZE=1 $(BIN)/python setup.py --quiet build \
	    --build-lib $(SANITIZED) --build-temp build/sanitize-temp
	$(SANITIZE_RUN) $(BIN)/python -m pytest $(SANITIZE_TESTS) $(ARGS)

clean:
	rm -rf build $(VENV) *.egg-info
	find server bench -name '*.so' -delete

# Pages that are made from the code; a test fails when one is stale.
docs: setup
	$(BIN)/python -m pynats_server.settings.document > docs/configuration.md

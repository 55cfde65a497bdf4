# exactrace. `make help` lists what can be made.
PYTHON ?= python3
VERSION := $(shell $(PYTHON) -c 'import sys, sysconfig; print("%d.%d" % \
    sys.version_info[:2] + "t" * bool(sysconfig.get_config_var("Py_GIL_DISABLED")))')
BUILD ?= build/$(VERSION)
VENV := $(BUILD)/venv
BIN := $(abspath $(VENV))/bin
LINT_VENV := build/lint-venv
LINT_BIN := $(abspath $(LINT_VENV))/bin
REQUIREMENTS := --requirement tests/requirements.txt $(if $(findstring t,$(VERSION)),\
    --constraint tests/constraints-free.txt,--requirement tests/requirements-gil.txt)
BENCH_ARGS ?=
FUZZ_SECONDS ?= 30

.DELETE_ON_ERROR:
.PHONY: help test test-c test-py install gold browse lint format fuzz tsan bench clean

help: ## Show this list
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 12

test: test-c test-py ## Run all tests with the interpreter PYTHON (default python3)

$(VENV)/ready: $(wildcard tests/*requirements*.txt tests/constraints-*.txt)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet $(REQUIREMENTS)
	touch $@

install: $(VENV)/ready ## Build the package and install it into BUILD/venv
	PATH=$(BIN):$$PATH $(BIN)/pip install --quiet --no-build-isolation --no-deps \
	    -Cbuild-dir=$(BUILD)/wheel -Csetup-args=-Dbuildtype=debugoptimized .

# Address and undefined behaviour sanitizers, and allocations that fail.
$(BUILD)/core/build.ninja: | $(VENV)/ready
	tools/need-cmocka
	PATH=$(BIN):$$PATH meson setup $(BUILD)/core -Dctests=true \
	    -Dextension=false -Db_sanitize=address,undefined

test-c: $(BUILD)/core/build.ninja ## Test the C core alone, under sanitizers
	PATH=$(BIN):$$PATH meson compile -C $(BUILD)/core
	$(BIN)/meson test -C $(BUILD)/core --no-rebuild --print-errorlogs

# -P: the package that is installed, not the folder of its sources.
test-py: install ## Test the installed package
	-tools/need-readers
	$(BIN)/python -P -m pytest tests/py tests/compat tests/random tests/suite $(PYTEST_ARGS)

$(LINT_VENV)/ready: tools/lint-requirements.txt
	$(PYTHON) -m venv $(LINT_VENV)
	$(LINT_BIN)/pip install --quiet --requirement tools/lint-requirements.txt
	touch $@

browse: install ## Try the HTML report in a headless Chromium
	tools/need-chromium
	$(BIN)/python tools/browse

gold: install ## Write what reports are to look like anew (look at the changes!)
	UPDATE_GOLD=1 $(BIN)/python -P -m pytest -q tests/py/test_report.py \
	    tests/py/test_exports.py tests/py/test_html.py -k gold

lint: install $(LINT_VENV)/ready $(BUILD)/core/build.ninja ## Check style and types of C and Python
	PATH=$(LINT_BIN):$$PATH tools/lint $(BIN)/python $(BUILD)

format: $(LINT_VENV)/ready ## Format C and Python in place
	$(LINT_BIN)/ruff format exactrace tests bench tools
	$(LINT_BIN)/clang-format -i core/*/*.[ch] cpython/*.[ch] tests/c/*.[ch] fuzz/*.c

fuzz: $(VENV)/ready ## Fuzz each reader of foreign bytes for FUZZ_SECONDS (needs clang)
	PATH=$(BIN):$$PATH tools/fuzz $(BUILD)/fuzz $(FUZZ_SECONDS)

# Both interpreters are built when they are first asked for.
tsan: ## Test threads without the GIL under ThreadSanitizer
	tools/pythons run 3.13t $(MAKE) build/3.13t/venv/ready PYTHON=python3.13t
	tools/pythons run 3.13t-tsan tools/tsan python3.13t build/3.13t/venv \
	    build/3.13t-tsan $(PYTEST_ARGS)

# The package as users get it, in an environment of its own.
bench: ## Measure against the standard module and its rivals
	[ -x $(BUILD)/bench-venv/bin/pip ] || $(PYTHON) -m venv $(BUILD)/bench-venv
	$(BUILD)/bench-venv/bin/pip install --quiet --requirement bench/requirements.txt .
	$(BUILD)/bench-venv/bin/python bench/run.py $(BENCH_ARGS)

clean: ## Remove everything that was built
	rm -rf build

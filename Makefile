# Every target works on a machine with Python >= 3.10, make and a package index. `make` alone lists them.

VENV := .venv
PY := $(VENV)/bin/python
EXTRAS := dev,cli
# Written last; contains the folder it was made for. An environment that was half installed, copied or moved is set up again.
STAMP := $(VENV)/.ssimloss-setup
# The same for the few packages that `make docs` and `make demo` need.
DOCS_STAMP := $(VENV)/.ssimloss-docs
DEMO_STAMP := $(VENV)/.ssimloss-demo
# Exists while packages are being installed. If it exists at the start, an earlier set-up was killed and may have left packages
# half copied, so all of them are installed again.
INSTALLING := $(VENV)/.ssimloss-installing
# More arguments for the command behind a target: make test ARGS="-k ssim -x", make bench ARGS=--quick
ARGS :=

.DEFAULT_GOAL := help
.PHONY: help setup demo test quick test-oldest quick-oldest set-up-oldest sweep check generate docs pictures bench gpu parity sanitize set-up-docs set-up-demo force

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

setup: $(STAMP) ## make .venv with everything installed (the other targets do this themselves; PYTHON=... picks the interpreter)

demo: $(DEMO_STAMP) ## train super-resolution on real photographs: a table and a picture in outputs/demo
	$(PY) examples/train_super_resolution.py --out outputs/demo $(ARGS)

# One process per processor, each with one thread: tests spend most of their time in Python. Tests of
# threads set the number they need. Each process starts with a block of files, so that fixtures of a
# file are made once; a process that has finished takes over tests from the others. They and the
# processes that tests start share compiled files (__pycache__), and the compiler of PyTorch starts
# no processes of its own.
TEST_SETTINGS := PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 TORCHINDUCTOR_COMPILE_THREADS=1
PYTEST := $(TEST_SETTINGS) $(PY) -m pytest --numprocesses logical --dist worksteal

test: $(STAMP) ## run every test
	$(PYTEST) $(ARGS)

# Every room, in about a minute on two processors: the contracts between rooms, the checks of every
# loss except those with large networks, and the fast test files of each room.
QUICK := layering contracts public_surface import twins every_loss pixel color resize files native \
	winograd features sharing combined conventions protocol validator set_statistics weights \
	evaluation_result evaluation_pairs evaluation_statistics cli_evaluate migration
QUICK_LESS := not DISTS and not LPIPS and not compile and not process and not planted \
	and not thread and not importing and not scales_are_combined and not wide

quick: $(STAMP) ## run tests that touch every room, in about a minute
	$(PYTEST) -m "not slow and not sweep" -k "$(QUICK_LESS)" $(QUICK:%=tests/test_%.py) $(ARGS)

test-oldest: set-up-oldest ## run every test with the oldest supported Python, PyTorch, torchvision and numpy
	$(PYTEST_OLDEST) $(ARGS)

# In at most three minutes on two processors. Versions of PyTorch differ in operators, in compiling,
# exporting, transforming and pickling, and in private names.
QUICK_OLDEST := oldest import layering public_surface every_loss preparation protocol measures \
	validator flags tensor_kinds compilation transforms
QUICK_OLDEST_LESS := not DISTS and not LPIPS and not importing and not wide

quick-oldest: set-up-oldest ## run a part of that, in about three minutes
	$(PYTEST_OLDEST) -m "not slow and not sweep" -k "$(QUICK_OLDEST_LESS)" $(QUICK_OLDEST:%=tests/test_%.py) $(ARGS)

sweep: $(STAMP) ## examine every loss with every check of the doctor, and compile each in every way
	$(PYTEST) -m sweep $(ARGS)

check: $(STAMP) ## lint, formatting, types, generated files
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) tests/generate.py --check
	$(PY) -m mypy

generate: $(STAMP) ## write the type stubs, tables and reference pages derived from the measures
	$(PY) tests/generate.py

docs: $(DOCS_STAMP) ## build the documentation site into outputs/docs; warnings and broken links are errors
	$(PY) -m sphinx --quiet --fail-on-warning --keep-going -c docs -d outputs/docs-doctrees . outputs/docs $(ARGS)
	$(PY) docs/check_links.py outputs/docs
	@echo "the site: outputs/docs/index.html"

pictures: $(STAMP) ## draw the pictures of the README and of the reference into docs/pictures
	$(PY) docs/pictures/draw.py $(ARGS)

bench: $(STAMP) ## time and memory beside the other libraries, into benchmarks/results
	$(PY) -m benchmarks $(ARGS)

gpu: $(STAMP) ## test and time on the GPU at hand, in at most 8 minutes, into benchmarks/results/gpu
	$(PY) -m benchmarks.gpu --out benchmarks/results/gpu $(ARGS)

parity: $(STAMP) ## print how far each convention is from the code it is named after
	$(PY) -m pytest tests/test_parity.py -q -s $(ARGS)

sanitize: $(STAMP) ## run the native library under AddressSanitizer and UndefinedBehaviorSanitizer, with random sizes
	$(PY) tests/sanitize_native.py $(ARGS)

# An environment with the oldest supported versions: 6 GB. The package is not installed there; it is
# found through PYTHONPATH, with the native library of $(VENV), which works with every Python.
OLDEST := .venv-oldest
OLDEST_STAMP := $(OLDEST)/.ssimloss-setup
PYTEST_OLDEST := PYTHONPATH="$(CURDIR)" $(TEST_SETTINGS) $(OLDEST)/bin/python -m pytest --numprocesses logical --dist worksteal --ignore tests/test_wheel.py
# The command python3.10 of pyenv fails unless a version 3.10 has been chosen.
OLDEST_PYTHONS := python3.10 $(wildcard $(HOME)/.pyenv/versions/3.10.*/bin/python) python3.11

set-up-oldest: $(OLDEST_STAMP)

# Made again only if its requirements have changed.
$(OLDEST_STAMP): pyproject.toml tests/oldest_requirements.py | $(STAMP)
	@set -e; needs=$$($(PY) tests/oldest_requirements.py); \
	if [ -e $@ ] && [ "$$needs" = "$$(cat $(OLDEST)/requirements.txt)" ]; then touch $@; exit; fi; \
	found=; for python in $(if $(OLDEST_PYTHON),"$(OLDEST_PYTHON)",$(OLDEST_PYTHONS)); do \
		if "$$python" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 14))' >/dev/null 2>&1; then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
		echo "error: PyTorch 2.6 needs Python 3.10 to 3.13, and found none at $(or $(OLDEST_PYTHON),$(OLDEST_PYTHONS)); name one: make test-oldest OLDEST_PYTHON=/path/to/python3.10" >&2; \
		exit 1; \
	fi; \
	echo "making $(OLDEST) with $$("$$found" --version); PyTorch is a download of 3 GB"; \
	rm -f $@; "$$found" -m venv --clear $(OLDEST); \
	echo "$$needs" > $(OLDEST)/requirements.txt; \
	$(OLDEST)/bin/python -m pip install --quiet --upgrade pip; \
	$(OLDEST)/bin/python -m pip install --quiet -r $(OLDEST)/requirements.txt; \
	touch $@

# The interpreter and the stamp must exist and belong to this folder.
belongs = $(filter $(CURDIR),$(shell $(PY) -c 'print(open("$(1)").read())' 2>/dev/null))
ifeq ($(call belongs,$(STAMP)),)
$(STAMP): force
endif
ifeq ($(call belongs,$(DOCS_STAMP)),)
$(DOCS_STAMP): force
endif
ifeq ($(call belongs,$(DEMO_STAMP)),)
$(DEMO_STAMP): force
endif

SOURCES := pyproject.toml setup.py $(wildcard ssimloss/kernels/native/*)

$(STAMP): $(SOURCES)
	$(call set_up,$(EXTRAS))

# The full environment includes what the site and the demo need.
$(DOCS_STAMP) $(DEMO_STAMP): $(VENV)/.ssimloss-%: $(SOURCES)
	@if $(MAKE) --silent --question $(STAMP) 2>/dev/null; then printf %s "$(CURDIR)" > $@; else $(MAKE) --silent set-up-$*; fi

set-up-docs:
	$(call set_up,docs,$(DOCS_STAMP))

set-up-demo:
	@echo "installing what the demo needs into $(VENV); PyTorch is a download of several GB"
	$(call set_up,examples,$(DEMO_STAMP))

# $(call set_up,EXTRAS,STAMP): make $(VENV) if it is not there, and install the package with the extras.
define set_up
	@rm -f $(or $(2),$@)
	@if ! $(PY) -m pip --version >/dev/null 2>&1; then \
		found=; \
		for python in $(if $(PYTHON),"$(PYTHON)",python3 python python3.14 python3.13 python3.12 python3.11 python3.10); do \
			if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' >/dev/null 2>&1; then found=$$python; break; fi; \
		done; \
		if [ -z "$$found" ]; then \
			echo "error: no Python >= 3.10 found$(if $(PYTHON), at PYTHON=$(PYTHON)); install one, or name it: make setup PYTHON=/path/to/python3.12" >&2; \
			exit 1; \
		fi; \
		echo "making $(VENV) with $$("$$found" --version)"; \
		"$$found" -m venv --clear $(VENV) || { \
			echo "error: $$found cannot make a virtual environment; on Debian and Ubuntu: apt install python3-venv" >&2; \
			rm -rf $(VENV); exit 1; \
		}; \
		$(PY) -m pip install --quiet --upgrade pip || exit 1; \
	fi
	@again=; if [ -e $(INSTALLING) ]; then echo "an earlier set-up was interrupted: repairing $(VENV)"; again=--ignore-installed; fi; \
	touch $(INSTALLING); trap 'exit 130' INT TERM; \
	$(PY) -m pip install $$again --editable '.[$(1)]' || { rm -f $(INSTALLING); exit 1; }
	@rm -f $(INSTALLING)
	@printf %s "$(CURDIR)" > $(or $(2),$@)
endef

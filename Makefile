# make demo   runs the workflow on a simulated cohort and says where its report is
# make test   lint, unit, browser and static tests, a tiny run of the whole workflow, and one on a SLURM of this machine
# Both install what they need: Python packages into .venv; BWA, samtools, Chromium and SLURM where they are not on the PATH.

CORES ?= $(shell env -u OMP_NUM_THREADS nproc)
VENV ?= .venv
# The first Python of 3.11 to 3.13, for which every pinned package has a wheel, else a newer one.
PYTHON ?= $(shell for newest in 13 99; do for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c "import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, $$newest))" 2>/dev/null \
	&& echo $$python && exit; done; done)

REPORT := results/demo/report.html
ALIGNERS := $(shell sed -nE 's/^ *- (bwa|samtools) *=/\1=/p' envs/align.yaml)
IN_VENV := PATH="$(abspath $(VENV))/bin:$$PATH:$(CURDIR)/.tools/bin"
# One process a core, each with one thread: most tests are too small for more.
UNIT := OMP_NUM_THREADS=1 python -m pytest tests/unit -n $(CORES) --dist worksteal
PIP_INSTALL := $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check

.PHONY: help demo status test runs cluster unit lint format keys newer analysis aligners test-aligners test-browser test-slurm test-container \
	clean distclean

help:
	@echo "make demo       run the workflow on a simulated cohort; the report is $(REPORT)"
	@echo "make status     how far the run in this folder is, and about how long it still takes"
	@echo "make test       lint, unit, browser and static tests, a tiny run of the whole workflow, and one on SLURM"
	@echo "make unit       unit and static tests alone"
	@echo "make lint       snakefmt, snakemake --lint, ruff, mypy and oxlint"
	@echo "make format     put the code into the form that lint asks for"
	@echo "make keys       write the table of config/README.md from the schema"
	@echo "make analysis NAME=my_analysis   make the files of a new analysis from a template"
	@echo "make test-container   on demand, as root: make the container's contents in a bare Debian, and the tiny run in it"
	@echo "make newer      which of the pinned packages have newer versions"
	@echo "make clean      remove the demo's results and caches; distclean: and what was installed here"

demo: $(VENV)/installed aligners
	$(IN_VENV) snakemake --cores $(CORES)
	$(IN_VENV) snakemake --report $(REPORT)
	@echo
	@echo "The report is $(CURDIR)/$(REPORT)"

# Nothing is installed for it: it may be asked of a run of another environment.
status:
	@$(or $(PYTHON),python3) tools/show-status.py

# STRICT: a skipped test fails, except where it needs data that are not part of the project.
test: lint $(VENV)/installed-dev test-aligners test-browser test-slurm
	$(IN_VENV) STRICT=1 $(UNIT)
	@# The cluster mostly waits: beside the tiny run it takes no time of its own.
	$(MAKE) --no-print-directory --jobs 2 --output-sync runs cluster

runs:
	$(IN_VENV) STRICT=1 python -m pytest --durations 5 tests/workflow

cluster:
	$(IN_VENV) STRICT=1 python -m pytest --durations 5 tests/browser tests/slurm

unit: $(VENV)/installed-dev test-aligners
	$(IN_VENV) $(UNIT)

lint: $(VENV)/installed-lint
	$(IN_VENV) snakefmt --check workflow
	$(IN_VENV) snakemake --lint
	$(IN_VENV) ruff check
	$(IN_VENV) ruff format --check
	$(IN_VENV) mypy
	@# The programs of the atlas are one script on its page, and one to the linter.
	@mkdir -p build && cat workflow/report/atlas/*.js > build/atlas.js
	$(IN_VENV) oxlint --quiet build/atlas.js

format: $(VENV)/installed-lint
	$(IN_VENV) snakefmt workflow
	$(IN_VENV) ruff check --fix
	$(IN_VENV) ruff format

keys: $(VENV)/installed-lint
	$(IN_VENV) PYTHONPATH=workflow/scripts python tools/write-key-table.py

newer: $(VENV)/installed-lint
	$(IN_VENV) python tools/newer-pins.py

analysis: $(VENV)/installed-lint
	$(IN_VENV) python tools/new-analysis.py $(NAME)
	$(MAKE) keys

aligners:
	@tools/require $(ALIGNERS)

# The tests on real genomes hold our alignments against mafft's.
test-aligners:
	@tools/require $(ALIGNERS) $(if $(wildcard ../shared/data),mafft=7.526)

# The tests start a cluster of their own; nothing of it runs outside them.
test-slurm:
	@for program in munged slurmctld slurmd sbatch; do \
		PATH="$$PATH:/usr/sbin:/sbin" command -v $$program >/dev/null && continue; \
		tools/apt-install slurm-wlm munge && break; \
		echo "Not found, and not to be installed from here: $$program (Debian, Ubuntu: apt install slurm-wlm munge)" >&2; \
		exit 1; \
	done

# Not part of `make test`: it downloads 3 GB.
test-container:
	tools/test-container

# The tests of the atlas open it in Chromium, without a window.
test-browser:
	@for browser in chromium chromium-browser google-chrome; do command -v $$browser >/dev/null && exit; done; \
	tools/apt-install chromium || { echo "No browser: install Chromium (Debian and Ubuntu: apt install chromium) and run make again." >&2; exit 1; }

$(VENV)/bin/pip:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: install it, or name it: make PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c "import ensurepip, venv" 2>/dev/null || tools/apt-install python3-venv \
	|| { echo "$(PYTHON) lacks venv: install it (Debian and Ubuntu: apt install python3-venv)" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)

$(VENV)/installed-lint: requirements-lint.txt constraints.txt | $(VENV)/bin/pip
	@echo "Installing Snakemake and the linters into $(VENV)"
	@$(PIP_INSTALL) -r requirements-lint.txt
	@touch $@

$(VENV)/installed: requirements.txt $(VENV)/installed-lint
	@echo "Installing Python packages into $(VENV); the first time this downloads up to 3 GB"
	@$(PIP_INSTALL) -r requirements.txt
	@touch $@

$(VENV)/installed-dev: requirements-dev.txt $(VENV)/installed
	@$(PIP_INSTALL) -r requirements-dev.txt
	@touch $@

clean:
	rm -rf results/demo build .pytest_cache .ruff_cache .hypothesis

distclean: clean
	rm -rf $(VENV) .tools

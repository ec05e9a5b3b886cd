# Everything sets itself up in .venv the first time; `make` alone says what there is.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install -c constraints.txt
INSTALLED := $(VENV)/installed
DEVELOPED := $(VENV)/installed-for-development
DISPLAYED := tools/with_display
SUITE := quality

.DEFAULT_GOAL := help
.PHONY: help demo test fuzz lint format screenshots sample-data docs benchmark clean

help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(INSTALLED) ## Denoise a sample with all methods that learn and show the results in napari
	$(BIN)/napari-zeroshot demo --overwrite

test: $(DEVELOPED) ## Run every test, with real napari windows in a virtual display
	$(DISPLAYED) $(BIN)/python -m pytest

fuzz: $(DEVELOPED) ## Try thousands of damaged files, made-up records and command lines
	$(BIN)/python -m pytest --hypothesis-profile=fuzz --timeout=0 tests/test_fuzz.py

lint: $(DEVELOPED) ## Check style, types, imports and the plugin's manifest
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/npe2 validate src/napari_zeroshot/napari.yaml

format: $(DEVELOPED) ## Put the source into shape
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

screenshots: $(DEVELOPED) ## Make the pictures in docs/images
	settings=$$(mktemp -d) && XDG_CONFIG_HOME=$$settings NAPARI_CONFIG=$$settings/napari.yaml $(DISPLAYED) $(BIN)/python docs/make_screenshots.py; rm -r $$settings

sample-data: $(INSTALLED) ## Make the images in sample_data
	$(BIN)/python sample_data/make_sample_data.py

docs: $(INSTALLED) ## Write the parameter tables in docs/methods anew
	$(BIN)/python docs/make_parameter_tables.py

benchmark: $(DEVELOPED) ## Measure the methods' quality, or what SUITE= names: kodak, speed, scale, goals
	$(BIN)/python -m benchmarks $(SUITE)

clean: ## Remove .venv and what the tools left behind
	rm -rf $(VENV) build dist demo_output .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

# The stamps: a second run installs nothing, a changed requirement installs anew.
$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed, $(PYTHON) is $$($(PYTHON) --version 2>&1); name another: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --upgrade "pip>=25.1"
	$(PIP) --editable ".[all]"
	@touch $@

$(DEVELOPED): $(INSTALLED)
	$(PIP) --group dev
	@touch $@

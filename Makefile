# Main commands: `make app` opens the app, `make test` runs every check and test.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DATASET ?= data/sample
WORKERS ?= 4
PORT ?= 8501

.DEFAULT_GOAL := help
.PHONY: help app serve test suite stress kernels bytecode test-pythons deploy-check bench answers tutorial notebook api check format lock clean

help:  ## list these commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

app: $(VENV)/.app  ## install what the app needs and open it on the embedded sample
	EARSHOT_LOCAL=1 $(BIN)/streamlit run app.py

serve: $(VENV)/.app  ## serve the app by several processes behind nginx: make serve WORKERS=4 PORT=8501
	$(BIN)/python tools/serve.py --workers $(WORKERS) --port $(PORT)

# Four workers for two processors: there is always one that waits for a browser, a server or another process.
test:  ## install, check and run every test
	$(MAKE) --jobs 2 --output-sync kernels bytecode
	$(MAKE) --jobs 2 check suite

suite: $(VENV)/.dev
	$(BIN)/python -m pytest -n 4 --no-loadscope-reorder

# They are compiled while the rest is installed, which takes as long.
kernels: $(VENV)/.lsh
	$(BIN)/python -m lsh.warm

# What is imported is compiled by one process, and not by each worker; an error here comes again in the run.
bytecode: $(VENV)/.dev
	-$(BIN)/python -m pytest --collect-only -qq >/dev/null

stress: $(VENV)/.dev kernels  ## press 200 times in a hurry with ten seeds, watch pages for shifts, recompute 200 settings, decode 20,000 mutated sounds, give 20,000 mutated files to the commands, embed 400 recordings, kill eight downloads and 500 saves, damage 160,000 index files: an hour
	EARSHOT_STRESS=1 $(BIN)/python -m pytest tests/browser/test_hurry.py -k "hurried or left or waits"
	EARSHOT_STRESS=1 $(BIN)/python -m pytest -s tests/browser/test_every_page.py tests/ui/recomputed \
		tests/data_prep/sounds/test_mutations.py tests/data_prep/sounds/test_folder.py \
		tests/data_prep/audioset/test_fetch_killed.py tests/data_prep/audioset/test_archive.py \
		tests/data_prep/dataset/test_reader.py tests/laws tests/lsh/test_main.py::test_real_clips_are_tuned_to_the_recall_wanted \
		tests/lsh/distributed tests/lsh/test_promise.py tests/lsh/test_concurrency.py tests/lsh/storage tests/browser/test_hostile.py \
		tests/data_prep/vectors/test_mutations.py tests/data_prep/test_wild_files.py tests/lsh/test_default_setting.py \
		tests/tools/test_tutorial.py tests/browser/test_daily_work.py --timeout 3000

bench: $(VENV)/.bench  ## compare lsh with other libraries on a dataset: make bench DATASET=data/audioset-small
	$(BIN)/python -m benchmarks --dataset $(DATASET)

answers: $(VENV)/.dev  ## measure the figures of docs/ANSWERS.md and write it, in some ten minutes: make answers DATASET=data/audioset-small
	$(BIN)/python -m benchmarks.answers $(DATASET)

tutorial: $(VENV)/.dev  ## run the program of docs/tutorial, and write its output and figures into the text
	PYTHONPATH=. $(BIN)/python tools/tutorial.py

notebook: $(VENV)/.dev  ## write docs/tutorial as one notebook: build/tutorial.ipynb
	PYTHONPATH=. $(BIN)/python tools/tutorial.py notebook

test-pythons:  ## run the fast tests on every supported Python that is found, some minutes each
	tools/test_pythons.sh

api: $(VENV)/.dev  ## write docs/API.md and the tables of docs/ARCHITECTURE.md from the docstrings
	PYTHONPATH=. $(BIN)/python tools/api_reference.py
	$(BIN)/python tools/module_tables.py

deploy-check: $(VENV)/.dev  ## run the app under a small host's limits, visit it a hundred times, and report
	PYTHONPATH=. $(BIN)/python tools/deploy_check.py $(DATASET)

check: $(VENV)/.dev  ## formatting, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(VENV)/.dev  ## format the code, and fix what lint can fix
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: $(VENV)/.dev  ## pin the newest version of every dependency that pyproject.toml allows
	$(BIN)/python -m pip install --no-compile --quiet uv
	./tools/lock.sh $(BIN)/uv

clean:  ## remove the virtual environment and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.app: requirements.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --no-compile --quiet --disable-pip-version-check -r requirements.txt
	$(BIN)/python -m lsh.warm
	touch $@

# What `lsh` alone needs: the dependencies of pyproject.toml without an extra.
$(VENV)/.lsh: requirements-dev.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --no-compile --quiet --disable-pip-version-check -c requirements-dev.txt numpy numba threadpoolctl filelock
	touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.lsh | $(VENV)/bin/python
	$(BIN)/python -m pip install --no-compile --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@ $(VENV)/.app

$(VENV)/.bench: requirements-bench.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --no-compile --quiet --disable-pip-version-check -r requirements-bench.txt
	touch $@

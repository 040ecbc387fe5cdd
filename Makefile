# Each command sets up what it needs, once. docs/setup.md has the same steps without make.

PY := .venv/bin/python
WEIGHTS := data/pretrained/ssdlite_mobilenet_v2_coco.weights.h5

# Jupyter refuses to start as root, which is often the only user in a container or on a cloud machine.
USER_ID := $(shell id -u 2>/dev/null)
AS_ROOT := $(if $(filter 0,$(USER_ID)),--allow-root)
ROOT_NOTE := You are root, so JupyterLab gets --allow-root. It still listens on 127.0.0.1 only, and asks for its token.

export TF_CPP_MIN_LOG_LEVEL := 3
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help run extras lab demo test test-all lint types coverage release-check photos films datasheet figures exercises messages minutes badges site bundle lock record label-next fuzz faults memory bench test-colab test-binder test-oldest test-newest test-bundle test-gpu outcomes mutants clean
.DELETE_ON_ERROR:

help: ## list these commands
	@echo "Transfer learning for object detection: a workshop"
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo "  PYTHON=python3.12 (or a path) chooses the Python; WORKSHOP_RECIPE=quick|workshop|seed sets how long to train."

run: .venv/installed $(WEIGHTS) ## run the notebooks 00 to 10 and compare the strategies in build/report.html
	@$(PY) tools/report.py

extras: .venv/installed $(WEIGHTS) ## run the notebooks after 10
	@$(PY) tools/report.py extras

lab: .venv/installed $(WEIGHTS) ## open the first notebook in JupyterLab (ARGS="--no-browser --port 8890")
	@$(if $(AS_ROOT),echo "$(ROOT_NOTE)")
	@JUPYTER_CONFIG_PATH=$(CURDIR)/tools/jupyter $(PY) -m jupyterlab --ip=127.0.0.1 --LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb $(AS_ROOT) $(ARGS)

demo: .venv/installed $(WEIGHTS) ## open the page with your newest detector and the camera (ARGS="--lan" for phones in the room)
	@$(PY) tools/demo.py $(ARGS)

test: .venv/installed-dev $(WEIGHTS) ## run the tests, on all cores (ARGS="-k voc" selects some, WORKERS=0 uses one process)
	@$(PY) -m pytest -p no:nbval -n $(or $(WORKERS),auto) --dist loadfile --no-loadscope-reorder $(ARGS)

test-all: ## run every test, also the long ones, with notebooks that train as long as the recipe quick says
	@WORKSHOP_RECIPE=quick $(MAKE) --no-print-directory test ARGS="-m 'not release' $(ARGS)"

lint: .venv/installed-dev ## check the style, the imports, the spelling and the wording
	@.venv/bin/pre-commit run --all-files

types: .venv/installed-dev ## check the types with pyright (strict in workshop_utils/data)
	@.venv/bin/pyright --pythonpath $(PY)

coverage: .venv/installed-dev $(WEIGHTS) ## run every test and list the lines that none reaches, in build/coverage/
	@$(MAKE) --no-print-directory test ARGS="--cov --cov-report=term --cov-report=html:build/coverage $(ARGS)"

release-check: .venv/installed-dev ## before a release: check that every long trial has passed on these versions
	@$(PY) -m pytest -q -m release tests/project/test_outcomes.py

photos: data/render/.venv/installed ## render the missing photos (hours; ARGS="--again 17" renders one again and compares)
	@cd data && render/.venv/bin/python -m render $(ARGS)

films: data/render/.venv/installed ## render the films that are missing in data/films/ (an hour; continues where it stopped)
	@cd data && render/.venv/bin/python -m render.film $(ARGS)

record: .venv/installed $(WEIGHTS) ## train the recorded runs in results/ again if photos or commands have changed (an afternoon)
	@$(PY) tools/record.py

label-next: .venv/installed $(WEIGHTS) ## record whether labelling the informative photos first pays (an hour; ARGS="--most 1")
	@$(PY) tools/label_next.py $(ARGS)

exercises: .venv/installed ## generate the participants' notebooks from the solved ones in notebooks/solutions/
	@$(PY) tools/exercises.py

messages: .venv/installed-dev ## update tests/messages.txt, the list of all messages that a test compares
	@$(PY) tests/messages.py

minutes: .venv/installed $(WEIGHTS) ## measure the run time of each notebook (an hour, on an idle machine; ARGS=quick)
	@$(PY) tools/minutes.py $(ARGS)

badges: .venv/installed ## point every badge to the repository you cloned, or to another (REPO=owner/name TAG=v1.0)
	@$(PY) tools/links.py $(if $(REPO),--repo $(REPO)) $(if $(TAG),--tag $(TAG))

site: .venv/installed build/report.html build/site-venv/installed ## build a site from the executed notebooks in build/site/
	@ls build/notebooks/11_* >/dev/null 2>&1 || $(PY) tools/report.py extras
	@$(PY) tools/pages.py build/site-venv/bin/python

lock: .venv/installed-dev ## update requirements.lock to the newest versions that fit together, with hashes
	@$(PY) -m uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-annotate \
	    --custom-compile-command "make lock" requirements.txt --output-file requirements.lock >/dev/null

bundle: .venv/installed $(WEIGHTS) ## pack the workshop and its packages for a room without internet (1 GB)
	@$(PY) tools/bundle.py

figures: .venv/installed ## compute the figures of the README from results/ and benchmarks/
	@$(PY) tools/figures.py

datasheet: .venv/installed ## compute the figures and pictures of data/README.md, and the ladder
	@$(PY) tools/datasheet.py

fuzz: .venv/installed-dev ## read 100,000 corrupted annotations and 112,000 corrupted photos, EXIF blocks, texts, label maps, COCO and YOLO files (25 minutes)
	@$(PY) -W ignore tests/fuzzing.py $(ARGS)

faults: .venv/installed-dev $(WEIGHTS) ## kill training repeatedly, fill its disk, damage its files (ten minutes)
	@$(PY) tools/faults.py $(ARGS)

memory: .venv/installed-dev $(WEIGHTS) ## cache, train on and detect in 1,000 photos of 12 megapixels, and measure the memory
	@$(PY) tools/memory.py $(ARGS)

ifdef DATA
bench: .venv/installed-dev $(WEIGHTS)
	@$(PY) benchmarks/real_photos.py "$(DATA)" $(ARGS)
else
bench: .venv/installed-dev $(WEIGHTS) ## compare speed and memory with plain Keras and PyTorch (two hours, on an idle machine; DATA=folder compares scores on your data)
	@$(PY) -m pip install --quiet "torch==2.13.0" || { $(INSTALL_FAILED); }
	@$(PY) benchmarks/run.py $(ARGS)
endif

test-colab: .venv/installed-dev ## run all notebooks on the versions that Colab has
	@$(PY) tools/trial.py colab $(ARGS)

test-binder: .venv/installed-dev ## run all notebooks except 11 through JupyterLab as on Binder, and measure the memory
	@$(PY) tools/binder_memory.py $(ARGS)

test-oldest: .venv/installed-dev ## run tests and notebooks on the lowest allowed versions (half an hour; ARGS="voc 00")
	@$(PY) tools/trial.py oldest $(ARGS)

test-newest: .venv/installed-dev ## run tests and notebooks on the highest allowed versions
	@$(PY) tools/trial.py newest $(ARGS)

test-bundle: .venv/installed $(WEIGHTS) ## install and use the bundle in an empty folder, without a network
	@$(PY) tools/bundle.py try

test-gpu: .venv/installed $(WEIGHTS) ## check training and exports on a GPU (ten minutes)
	@$(PY) tools/gpu.py

outcomes: .venv/installed-dev ## list what test-colab, -oldest, -newest and -binder have not tested yet, or not since it changed
	@$(PY) tools/trial.py missing
	@$(PY) tools/binder_memory.py missing

mutants: .venv/installed-dev $(WEIGHTS) ## change the code in small ways and check that the tests notice (hours; ARGS="*xml_file*")
	@$(PY) -m pip install --quiet "mutmut>=3.8" || { $(INSTALL_FAILED); }
	@HYPOTHESIS_PROFILE=mutants $(PY) -m mutmut run $(ARGS)
	@$(PY) -m mutmut results

clean: ## remove .venv, build/ and caches; your runs/ and the COCO weights stay
	rm -rf .venv build mutants *.egg-info .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +

# Each installation writes its stamp file last, so an interrupted one runs again and a finished one does not.

.venv/installed: .venv/made requirements.txt pyproject.toml
	@echo "Installing the packages into .venv (a few minutes, about 3 GB)."
	@$(PY) -m pip install -r requirements.txt -e ".[web,heic,video]" || { $(INSTALL_FAILED); }
	@$(PY) -c "import cv2" 2>/dev/null || { echo "This machine has no libGL: OpenCV without windows replaces the usual one."; \
	    $(PY) -m pip install --quiet --force-reinstall --no-deps opencv-python-headless || { $(INSTALL_FAILED); }; }
	@touch $@

.venv/installed-dev: .venv/installed
	@$(PY) -m pip install --quiet -e ".[dev]" || { $(INSTALL_FAILED); }
	@touch $@

data/render/.venv/installed: data/render/requirements.txt
	@command -v python3.11 >/dev/null || { echo "make: Blender's module needs Python 3.11, but there is no python3.11"; exit 1; }
	@echo "Installing Blender's module into data/render/.venv (about 1 GB)."
	@python3.11 -m venv data/render/.venv
	@data/render/.venv/bin/python -m pip install --quiet -r data/render/requirements.txt || { $(INSTALL_FAILED); }
	@touch $@

build/site-venv/installed: docs/site/requirements.txt | .venv/installed
	@echo "Installing Sphinx into build/site-venv."
	@$(PY) -m venv --clear build/site-venv
	@build/site-venv/bin/python -m pip install --quiet -r $< || { $(INSTALL_FAILED); }
	@touch $@

build/report.html: $(wildcard notebooks/*.ipynb) | .venv/installed $(WEIGHTS)
	@$(PY) tools/report.py

$(WEIGHTS): | .venv/installed
	@echo "Downloading the COCO weights (17 MB)."
	@$(PY) -m workshop_utils fetch

INSTALL_FAILED = echo; echo "make: the installation failed; pip's message is above. Check the network, and that 4 GB of disk are free."; \
	echo "make: run the same command again; what was downloaded is kept."; exit 1

# Find the first Python that is 3.11 to 3.13 and can create virtual environments. The stamp file contains the folder's
# name, because a copied or moved folder needs a new environment.

CANDIDATES := $(or $(PYTHON),python3.13 python3.12 python3.11 python3 python)

ifneq ($(wildcard $(PY)) $(shell cat .venv/made 2>/dev/null),$(PY) $(CURDIR))
.PHONY: .venv/made
endif

.venv/made:
	@found=; lacking=; \
	for python in $(CANDIDATES); do \
	    "$$python" -c "import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))" 2>/dev/null || continue; \
	    if "$$python" -c "import ensurepip, venv" 2>/dev/null; then found=$$python; break; fi; \
	    lacking="$$lacking $$python"; \
	done; \
	if [ -n "$$found" ]; then \
	    echo "Creating .venv with $$found ($$("$$found" --version))."; \
	    "$$found" -m venv --clear .venv && exit 0; \
	    rm -rf .venv; \
	    echo "make: '$$found -m venv' failed; its message is above."; \
	elif [ -n "$$lacking" ]; then \
	    echo "make: the module venv, which creates virtual environments, is missing from:$$lacking"; \
	else \
	    echo "make: there is no Python 3.11, 3.12 or 3.13 among: $(CANDIDATES)"; \
	fi; \
	echo "  Debian, Ubuntu: sudo apt install python3 python3-venv (for another Python than the system's: python3.12-venv)"; \
	echo "  macOS:          brew install python@3.13"; \
	echo "  elsewhere:      install Python from https://www.python.org/downloads/"; \
	echo "  or name one:    make $(MAKECMDGOALS) PYTHON=/path/to/python"; \
	exit 1
	@echo "$(CURDIR)" > $@

# Two commands are enough: `make demo` and `make test`. Both make the environment first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

export OMP_NUM_THREADS ?= 1

.PHONY: image bench-image release docs env demo test fuzz bench-coregistration bench-distortion bench-lesion bench-added bench-lesion-warp model bench-reading bench-recovery bench-scale chaos try-install test-all check bench-truth bench-permutation bench-evaluation bench-maps bench-preproc bench-bold bench-physiology bench-fusion bench-states bench-real bench-gpu bench-train bench-explain bench-pretrain gallery lock clean help

help:
	@sed -n 's/^## //p' $(MAKEFILE_LIST)

$(READY): requirements.lock requirements-gpu.lock requirements-dev.lock pyproject.toml tools/install.py
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python tools/install.py --dev
	touch $@

## make env         the environment in .venv, from the lock files
env: $(READY)

## make demo        simulate a cohort, run all three levels on it, name the report to open
DEMO ?= demo
demo: $(READY)
	$(BIN)/motor_bids_app --selftest $(DEMO)

## make test        all tests that take seconds
test: $(READY)
	$(BIN)/python -m pytest -n 2 --dist loadscope -m "not slow"

## make test-all    all tests, the slow ones too
test-all: $(READY)
	$(BIN)/python -m pytest -n 2 --dist loadscope --durations 25

## make check       style, types, import contracts
check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

## make docs        the documents as a site, in site/; a dead link or a page without a place in it is an error
docs: $(READY)
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet docs site
	@echo "Open site/index.html in a browser."

## make bench-truth two simulated cohorts against the best reachable AUC, shuffled scores, and bench-evaluation
bench-truth: $(READY)
	$(BIN)/python benchmarks/truth.py
	$(BIN)/python benchmarks/evaluation.py

## make bench-permutation  1,000 permutations of nested cross-validation on maps: time and memory
bench-permutation: $(READY)
	$(BIN)/python benchmarks/permutation.py

## make bench-evaluation  intervals, tests and conformal sets on 200 simulated cohorts of each of 48 kinds
bench-evaluation: $(READY)
	$(BIN)/python benchmarks/evaluation.py

## make bench-external  external validation of models where the truth is known, and updating
bench-external: $(READY)
	$(BIN)/python benchmarks/external.py

## make bench-maps  preprocessing at full size against the simulated truth
bench-maps: $(READY)
	$(BIN)/python benchmarks/maps.py

PEERS := .venv-peers
$(PEERS)/.ready:
	$(PYTHON) -m venv --clear $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet antspyx==0.6.3 nibabel bids2table==2.3.1
	touch $@

## make bench-preproc  speed and quality of each step of preprocessing, beside its peers
bench-preproc: $(READY) $(PEERS)/.ready
	$(BIN)/python benchmarks/preproc.py

## make bench-bold  speed and quality of the bold, beside nilearn, antspyx and a plain loop
bench-bold: $(READY) $(PEERS)/.ready
	$(BIN)/python benchmarks/bold.py

## make bench-physiology  speed and quality of the cleaning of EEG and EMG
bench-physiology: $(READY)
	$(BIN)/python benchmarks/physiology.py

## make bench-states  states of connectivity of 70 people: time and memory
bench-states: $(READY)
	$(BIN)/python benchmarks/states.py

## make bench-real  real heads, diffusion, lesions and finished maps, where there are such data
bench-real: $(READY) $(PEERS)/.ready
	$(BIN)/python benchmarks/real.py

## make bench-explain  attribution maps against planted damage of the corticospinal tract
bench-explain: $(READY)
	$(BIN)/python benchmarks/explain.py

## make bench-pretrain  what a start on simulated people gains, small network
bench-pretrain: $(READY)
	$(BIN)/python benchmarks/pretrain.py

## make gallery     every real image on one page, where there are such data
gallery: $(READY)
	$(BIN)/python benchmarks/gallery.py

## make bench-fusion  fusion of slices and signals beside either alone; speed of the network of signals
bench-fusion: $(READY)
	$(BIN)/python benchmarks/fusion.py --speed --fusion

## make bench-gpu   image kernels on a GPU and on two CPU threads, where there is a GPU
bench-gpu: $(READY)
	$(BIN)/python benchmarks/gpu.py

KERAS := .venv-keras
$(KERAS)/.ready:
	$(PYTHON) -m venv --clear $(KERAS)
	$(KERAS)/bin/python -m pip install --quiet tensorflow-cpu==2.21.0
	touch $@

## make bench-train  training steps of the six-branch network beside Keras; memory of large cohorts
bench-train: $(READY) $(KERAS)/.ready
	$(BIN)/python benchmarks/train.py --keras $(KERAS)/bin/python

## make fuzz        a million broken tables, sidecars, headers, models and experiment files
fuzz: $(READY)
	$(BIN)/python benchmarks/fuzz.py --cases 1000000 --keep failures

## make bench-coregistration  placing of bold, dwi and field maps under header offsets
bench-coregistration: $(READY)
	$(BIN)/python benchmarks/coregistration.py

## make bench-reading  CPU seconds of listing, opening and checking the inputs of one participant
bench-reading: $(READY)
	$(BIN)/python benchmarks/reading.py

## make bench-recovery  what imaging adds to a baseline score, and coupling, where the truth is known
bench-recovery: $(READY)
	$(BIN)/python benchmarks/recovery.py

## make bench-distortion  bold in a known field, and real bold with its field map
bench-distortion: $(READY)
	$(BIN)/python benchmarks/distortion.py

## make bench-lesion  NIHSS of real people from their lesion masks, by each model of lesions
bench-lesion: $(READY)
	$(BIN)/python benchmarks/lesions.py

## make bench-scale  listing datasets of many people, beside bids2table; people and networks on two processes
bench-scale: $(READY) $(PEERS)/.ready
	$(BIN)/python benchmarks/scale.py
	$(BIN)/python benchmarks/people.py
	$(BIN)/python benchmarks/thousand.py
	$(BIN)/python benchmarks/apart.py

## make chaos       both levels killed at random moments, and on disks that are full, with resume
chaos: $(READY)
	$(BIN)/python benchmarks/chaos.py 100
	$(BIN)/python benchmarks/disk.py 20

## make bench-added  what images add to own predictors, where the truth is known
bench-added: $(READY)
	$(BIN)/python benchmarks/added.py

## make bench-lesion-warp  brain mask and warp around lesions planted in real heads
bench-lesion-warp: $(READY)
	$(BIN)/python benchmarks/lesion_warp.py

## make model       the models that come with the package, again from open data
model: $(READY)
	$(BIN)/python tools/make_model.py

## make try-install fresh installations in every documented way, each tried
try-install:
	$(PYTHON) tools/try_install.py

ENGINE ?= docker
IMAGE := motor_bids_app
VERSION := $(shell sed -n 's/__version__ = "\(.*\)"/\1/p' motor_bids_app/__init__.py)
REVISION := $(shell git rev-parse HEAD 2>/dev/null)

## make image       the container image; ENGINE=podman, PIP_EXTRA_INDEX_URL=... for PyTorch without CUDA
image:
	$(ENGINE) build --build-arg VERSION=$(VERSION) --build-arg REVISION=$(REVISION) \
		--build-arg PIP_EXTRA_INDEX_URL=$(PIP_EXTRA_INDEX_URL) \
		-t $(IMAGE):$(VERSION) -t $(IMAGE):latest .

## make bench-image size, start and one person in the image, under the least privileges
bench-image:
	$(PYTHON) benchmarks/image.py --engine $(ENGINE) --image $(IMAGE):latest

## make release     wheel, documents and bill of materials in dist/; an installation from the index; the image
release: $(READY)
	$(BIN)/python tools/release.py
	$(PYTHON) tools/try_install.py --ways index --pythons $(PYTHON)
	$(MAKE) image

## make lock        exact versions and hashes of what is installed now
lock: $(READY)
	$(BIN)/python tools/lock.py

## make clean       remove what the targets above made
clean:
	rm -rf $(VENV) $(PEERS) $(KERAS) $(DEMO) bench_out dist site

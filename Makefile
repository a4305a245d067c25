# Every target is a command of bootstrap.py, which also works without make: python3 bootstrap.py help
PYTHON ?= python3
SEEDS ?= 20
SECONDS ?= inf

.PHONY: run test lint bench cents ui chaos screenshots install lock help
.DEFAULT_GOAL := help

run test lint bench cents ui screenshots install lock help:
	@$(PYTHON) bootstrap.py $@

chaos:
	@$(PYTHON) bootstrap.py chaos SEEDS=$(SEEDS) SECONDS=$(SECONDS)

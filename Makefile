# The commands of the repository. They need git, make, Node 20.19 or newer, npm and sh.
SHELL = /bin/sh
.DEFAULT_GOAL := help
.PHONY: help check-node install build demo test verify fix clean

help:
	@echo 'make demo     install, build, start three nodes on this machine and watch one fail over'
	@echo 'make test     install, then typecheck, lint and every test (the gate, up to 20 minutes)'
	@echo 'make build    install and bundle packages/d-engine/dist'
	@echo 'make verify   typecheck and lint, changing nothing'
	@echo 'make fix      format and apply the safe fixes of the linter'
	@echo 'make install  npm ci, only when node_modules is missing or older than package-lock.json'
	@echo 'make clean    remove what was built'

check-node:
	@sh tools/check-node.sh

install: check-node
	@sh tools/one-at-a-time.sh sh tools/install.sh

build: install
	@sh tools/one-at-a-time.sh node tools/build.mjs --if-stale

demo: build
	@echo 'demo: running tools/demo/run.ts'
	@node tools/run-ts.mjs tools/demo/run.ts

test: install
	@echo 'test 1/3: typecheck'
	@npm run --silent typecheck
	@echo 'test 2/3: lint (format, rules, floating promises, import direction, Env)'
	@npm run --silent lint
	@echo 'test 3/3: build and all tests'
	@node tools/build.mjs --if-stale
	@npm run --silent test
	@echo 'test: all passed'

verify: install
	@npm run --silent verify

fix: install
	@npm run --silent fix

clean:
	rm -rf packages/*/dist node_modules/.cache/d-engine-tools

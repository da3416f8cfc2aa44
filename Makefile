# One command each: `make demo`, `make test`. `make help` lists the rest.
# ROS 2 comes from Python wheels into .venv; nothing of ROS needs to be installed. On a machine
# with an installed ROS 2, `colcon build` in a workspace works as for any other package instead.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV := .venv
# Not ROS_DISTRO: a sourced ROS sets that one. Once set up, a checkout stays with its choice.
DMN_ROS_DISTRO ?= $(or $(patsubst $(VENV)/.set-up-%,%,$(firstword $(wildcard $(VENV)/.set-up-*))),jazzy)
DEMO_ARGS ?=
TEST_ARGS ?=
TRAIN_ARGS ?= --minutes 60
WORLDS_ARGS ?= mazes --show

BIN := $(VENV)/bin
PINS := requirements/base.txt requirements/ros-$(DMN_ROS_DISTRO).txt requirements/colcon.txt
SET_UP := $(VENV)/.set-up-$(DMN_ROS_DISTRO)
BUILT := install/.built-$(DMN_ROS_DISTRO)
# Python files are linked into ./install: only new files and the interfaces call for a build.
BUILD_INPUTS := CMakeLists.txt package.xml tools/build.sh \
	$(shell find msg srv scripts interfaces launch config models bags -type f 2>/dev/null) \
	$(shell find dmn_core dmn_ros launch config models bags -type d ! -name __pycache__ 2>/dev/null)
ENV := . tools/env.sh &&

ifeq ($(wildcard requirements/ros-$(DMN_ROS_DISTRO).txt),)
$(error DMN_ROS_DISTRO=$(DMN_ROS_DISTRO) is not known: use jazzy or kilted)
endif
OTHER_SET_UP := $(filter-out $(SET_UP),$(wildcard $(VENV)/.set-up-*))

.PHONY: help demo test setup build lint format train worlds clean distclean

help: ## list the commands
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12
	@echo
	@echo "DMN_ROS_DISTRO=jazzy|kilted (now $(DMN_ROS_DISTRO)), PYTHON=python3.10..3.12 (now $(PYTHON)),"
	@echo "DEMO_ARGS, TEST_ARGS, TRAIN_ARGS, WORLDS_ARGS: further arguments of the four commands"

demo: build ## play the shipped bags through real ROS 2 nodes and show how well it localized
	@$(ENV) install/dmn/lib/dmn/demo $(DEMO_ARGS)

test: build lint ## build, check the style and run every test
	@# Everything is built by now: a package that is missing is an error, and skips no test.
	@$(ENV) DMN_REQUIRE_ALL=1 python -m pytest $(TEST_ARGS)

setup: $(SET_UP) ## install what is needed: system packages, .venv, ROS 2

build: $(BUILT) ## build the ROS 2 package into ./install

lint: $(SET_UP) ## check style and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: $(SET_UP) ## rewrite the Python files in the project's style
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

train: $(SET_UP) ## train a network on simulated mazes
	@$(ENV) dmn train $(TRAIN_ARGS)

worlds: $(SET_UP) ## make mazes and look at them
	@$(ENV) dmn worlds $(WORLDS_ARGS)

clean: ## remove what was built
	rm -rf build install log .pytest_cache .mypy_cache .ruff_cache *.egg-info

distclean: clean ## remove what was built and installed
	rm -rf $(VENV)

$(SET_UP): $(PINS) setup.py tools/check_system.sh tools/fix_ros_wheel_paths.py
	@if [ -n "$(OTHER_SET_UP)" ]; then \
		echo "$(VENV) holds another ROS 2 ($(OTHER_SET_UP)): run 'make distclean' first" >&2; exit 1; fi
	@tools/check_system.sh $(PYTHON)
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check -r requirements/base.txt \
		-r requirements/ros-$(DMN_ROS_DISTRO).txt
	$(BIN)/python tools/fix_ros_wheel_paths.py
	@# The command `dmn`; --no-deps, since the pins above are what it needs.
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps \
		--no-build-isolation --editable .
	@touch $@

$(BUILT): $(SET_UP) $(BUILD_INPUTS)
	@$(ENV) tools/build.sh
	@touch $@

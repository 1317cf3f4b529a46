# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
#
# Every target sets up what it needs in .venv (ROS 2 from wheels, nothing outside this folder, no root) and is quick when
# repeated. A sourced ROS 2 does not mix in: to build with it, run `colcon build` instead.

# jazzy or kilted; the tests of nodes, launch files and parameters run on either.
DISTRO ?= jazzy
# Processes that share the whole suite, a file each at a time; tests that are named run in one.
JOBS ?= 2
VENV ?= .venv$(if $(filter-out jazzy,$(DISTRO)),-$(DISTRO))
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu

STAMPS := $(VENV)/stamps
PIP := $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --constraint requirements/constraints.txt
SHARED := --numprocesses $(JOBS) --dist loadfile --no-loadscope-reorder
say = @printf '\033[1m[stdtrack]\033[0m %s\n'

unexport PYTHONPATH PYTHONHOME AMENT_PREFIX_PATH CMAKE_PREFIX_PATH COLCON_PREFIX_PATH LD_LIBRARY_PATH
unexport ROS_DISTRO ROS_VERSION ROS_PYTHON_VERSION RMW_IMPLEMENTATION _ROS_WHEELS_BOOTSTRAP_COMPLETE VIRTUAL_ENV

.PHONY: help demo operator media test lint format tables run-environment test-environment clean
.DELETE_ON_ERROR:

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 26
	@echo "PYTHON=/path/to/python3.11 chooses the Python, DISTRO=kilted another ROS 2, PYTEST='test/nodes -k name' some tests"

demo: $(STAMPS)/demo $(STAMPS)/messages ## a real clip through real DDS into the real node; results in demo_out/
	$(say) "running the demo"
	@$(VENV)/bin/stdtrack demo --out demo_out

operator: $(STAMPS)/demo $(STAMPS)/messages ## the clip as a camera, and a web page to drag a box on
	@$(VENV)/bin/stdtrack operator --out demo_out

media: $(STAMPS)/demo $(STAMPS)/messages ## the README's picture of a target that is lost and found again
	$(say) "making the README's picture"
	@$(VENV)/bin/python tools/loss_picture.py media/loss.png

ifeq ($(DISTRO),jazzy)
test: lint ## style, types, layers and every test
	$(say) "running the tests"
	@OMP_NUM_THREADS=1 $(VENV)/bin/python -m pytest $(or $(PYTEST),$(SHARED))
else
test: $(STAMPS)/ros-test $(STAMPS)/messages $(STAMPS)/test-messages
	$(say) "running the tests of nodes, launch files and parameters on $(DISTRO)"
	@OMP_NUM_THREADS=1 $(VENV)/bin/python -m pytest $(or $(PYTEST),$(SHARED) test/nodes test/launch test/config)
endif

lint: $(STAMPS)/test $(STAMPS)/messages $(STAMPS)/test-messages ## ruff and mypy
	$(say) "checking style (ruff) and types (mypy)"
	@$(VENV)/bin/ruff check . && $(VENV)/bin/ruff format --check --quiet . && $(VENV)/bin/mypy

format: $(STAMPS)/test ## let ruff mend and format the code
	@$(VENV)/bin/ruff check --fix --quiet . ; $(VENV)/bin/ruff format --quiet .

tables: $(STAMPS)/messages ## write the tables of parameters in docs/ from their declarations
	@$(VENV)/bin/python tools/parameter_table.py

run-environment: $(STAMPS)/messages ## set up .venv with what the nodes need
test-environment: $(STAMPS)/test $(STAMPS)/messages $(STAMPS)/test-messages ## set up .venv with what training, evaluation and tests need

clean: ## remove all that these targets made
	rm -rf .venv .venv-kilted build install log demo_out

$(STAMPS)/python: tools/find_python.sh
	@tools/find_python.sh >/dev/null
	$(say) "making a virtual environment in $(VENV)"
	@test -x $(VENV)/bin/python || "$$(tools/find_python.sh)" -m venv $(VENV)
	@$(PIP) 'setuptools>=77,<80' wheel
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/ros: $(STAMPS)/python requirements/ros-$(DISTRO).txt requirements/constraints.txt
	$(say) "installing ROS 2 $(DISTRO) from wheels (about 300 MB, once)"
	@$(PIP) --requirement requirements/ros-$(DISTRO).txt
	@touch $@

$(STAMPS)/run: $(STAMPS)/ros setup.py requirements/run.txt requirements/tools.txt tools/install_opencv.sh
	$(say) "installing stdtrack_ros and what it runs with"
	@tools/install_opencv.sh $(VENV) opencv-python
	@$(PIP) --no-build-isolation --editable .
	@touch $@

INSTALLED := $(wildcard msg/*.msg srv/*.srv launch/*.py config/*.yaml config/*.xml model/*.onnx scripts/*)
$(STAMPS)/messages: $(STAMPS)/run $(INSTALLED) CMakeLists.txt package.xml tools/build_messages.sh tools/wheels_fix.cmake
	$(say) "building the messages with colcon"
	@tools/build_messages.sh $(VENV)
	@touch $@

TEST_INTERFACES := $(wildcard test/interfaces/*/*.* test/interfaces/*/msg/*.msg)
$(STAMPS)/test-messages: $(STAMPS)/messages $(TEST_INTERFACES)
	$(say) "building the messages of other packages that the tests exchange (some minutes, once)"
	@tools/build_messages.sh $(VENV) test/interfaces/*
	@touch $@

$(STAMPS)/demo: $(STAMPS)/run requirements/operator.txt requirements/demo_clip.txt | $(STAMPS)/messages
	$(say) "installing the demo's clip and the operator's page"
	@$(PIP) --requirement requirements/operator.txt
	@$(PIP) --no-deps --requirement requirements/demo_clip.txt
	@touch $@

$(STAMPS)/ros-test: $(STAMPS)/demo requirements/dev.txt requirements/mavlink.txt requirements/sim.txt
	$(say) "installing the test tools"
	@$(PIP) --requirement requirements/dev.txt --requirement requirements/mavlink.txt --requirement requirements/sim.txt
	@touch $@

# OpenCV's contrib build brings the same module as opencv-python, with more in it: it is installed later, over it.
$(STAMPS)/test: $(STAMPS)/ros-test requirements/train.txt requirements/cluster.txt
	$(say) "installing PyTorch (CPU), the baselines and a scheduler (about 1 GB, once)"
	@tools/install_torch.sh $(VENV) $(TORCH_INDEX)
	@tools/install_opencv.sh $(VENV) opencv-contrib-python
	@$(PIP) --requirement requirements/train.txt --requirement requirements/cluster.txt
	@touch $@

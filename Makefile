# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
#
#   make demo   a real clip through real DDS into the real node; results in demo_out/
#   make test   style, types, layers and every test
#
# Both set up what they need in .venv (ROS 2 Jazzy from wheels, nothing outside this folder, no root) and are quick when
# repeated. A sourced ROS 2 does not mix in: to build with it, run `colcon build` instead.

VENV ?= .venv
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu

STAMPS := $(VENV)/stamps
PIP := $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --constraint requirements/constraints.txt
say = @printf '\033[1m[stdtrack]\033[0m %s\n'

unexport PYTHONPATH PYTHONHOME AMENT_PREFIX_PATH CMAKE_PREFIX_PATH COLCON_PREFIX_PATH LD_LIBRARY_PATH
unexport ROS_DISTRO ROS_VERSION ROS_PYTHON_VERSION RMW_IMPLEMENTATION _ROS_WHEELS_BOOTSTRAP_COMPLETE VIRTUAL_ENV

.PHONY: help demo media test lint run-environment test-environment clean
.DELETE_ON_ERROR:

help:
	@sed -n '4,8s/^# \{0,1\}//p' Makefile

demo: $(STAMPS)/demo $(STAMPS)/messages
	$(say) "running the demo"
	@$(VENV)/bin/stdtrack demo --out demo_out

media: $(STAMPS)/demo $(STAMPS)/messages
	$(say) "making the README's picture"
	@$(VENV)/bin/stdtrack demo --out demo_out --gif media/demo.gif

test: lint
	$(say) "running the tests"
	@OMP_NUM_THREADS=1 $(VENV)/bin/python -m pytest $(PYTEST)

lint: $(STAMPS)/test $(STAMPS)/messages
	$(say) "checking style (ruff) and types (mypy)"
	@$(VENV)/bin/ruff check . && $(VENV)/bin/ruff format --check --quiet . && $(VENV)/bin/mypy

run-environment: $(STAMPS)/messages
test-environment: $(STAMPS)/test $(STAMPS)/messages

$(STAMPS)/python: tools/find_python.sh
	@tools/find_python.sh >/dev/null
	$(say) "making a virtual environment in $(VENV)"
	@test -x $(VENV)/bin/python || "$$(tools/find_python.sh)" -m venv $(VENV)
	@$(PIP) 'setuptools>=68,<80' wheel
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/ros: $(STAMPS)/python requirements/ros.txt requirements/constraints.txt
	$(say) "installing ROS 2 Jazzy from wheels (about 300 MB, once)"
	@$(PIP) --requirement requirements/ros.txt
	@touch $@

$(STAMPS)/run: $(STAMPS)/ros setup.py requirements/run.txt
	$(say) "installing stdtrack_ros and what it runs with"
	@$(PIP) --no-build-isolation --editable .
	@$(VENV)/bin/python -c 'import cv2' || { echo "stdtrack: OpenCV does not start here (the reason is above); \
	on Debian and Ubuntu 'sudo apt install libgl1 libglib2.0-0' brings what it misses." >&2; exit 1; }
	@touch $@

INSTALLED := $(wildcard msg/*.msg srv/*.srv launch/*.py config/*.yaml config/*.xml model/*.onnx scripts/*)
$(STAMPS)/messages: $(STAMPS)/run $(INSTALLED) CMakeLists.txt package.xml tools/build_messages.sh tools/wheels_fix.cmake
	$(say) "building the messages with colcon"
	@tools/build_messages.sh $(VENV)
	@touch $@

$(STAMPS)/demo: $(STAMPS)/run requirements/demo.txt requirements/demo_clip.txt | $(STAMPS)/messages
	$(say) "installing the demo's video tools and its clip"
	@$(PIP) --requirement requirements/demo.txt
	@$(PIP) --no-deps --requirement requirements/demo_clip.txt
	@touch $@

# opencv-contrib-python brings the same module as opencv-python, with more in it: it is installed later, over it.
$(STAMPS)/test: $(STAMPS)/demo requirements/train.txt requirements/eval.txt requirements/cluster.txt requirements/dev.txt
	$(say) "installing PyTorch (CPU), the baselines and the test tools (about 1 GB, once)"
	@tools/install_torch.sh $(VENV) $(TORCH_INDEX)
	@$(PIP) $(foreach extra,train eval cluster dev,--requirement requirements/$(extra).txt)
	@touch $@

clean:
	rm -rf $(VENV) build install log demo_out

#!/bin/sh
# Copyright 2026 the stdtrack_ros authors
# SPDX-License-Identifier: Apache-2.0
#
# Install the pinned PyTorch in its CPU build: tools/install_torch.sh .venv INDEX
# Looked for where pip is told to look, then in INDEX; the ordinary build (with CUDA, several GB) is the last resort.
set -eu
venv=$1
index=$2
pinned=$(grep '^torch==' "$(dirname "$0")/../requirements/train.txt")
have=$("$venv/bin/python" -c 'import torch; print(torch.__version__.partition("+")[0])' 2>/dev/null || true)
if [ "torch==$have" = "$pinned" ]; then exit 0; fi

install() {
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    --constraint "$(dirname "$0")/../requirements/constraints.txt" "$@"
}
install "$pinned+cpu" 2>/dev/null ||
  install --retries 1 --timeout 15 --extra-index-url "$index" "$pinned+cpu" 2>/dev/null ||
  { echo "stdtrack: the CPU build of $pinned was not found; taking the ordinary one." >&2 && install "$pinned"; }

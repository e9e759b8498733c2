#!/bin/sh
# What pip gives a user months after constraints.txt was written: a fresh environment with the newest versions that
# install, torch as pinned there, and the main commands once, small. `make smoke`, or `make smoke PYTHON=python3.12`.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 130' INT TERM HUP

"${PYTHON:-python3}" -m venv "$folder/venv"
grep '^torch==' "$root/constraints.txt" >"$folder/torch.txt"
pip() { "$folder/venv/bin/python" -m pip --disable-pip-version-check "$@"; }
pip install --quiet --upgrade --upgrade-strategy eager -c "$folder/torch.txt" -e "$root"
pip check
echo "preroll runs with $("$folder/venv/bin/python" --version) and:"
pip list --format=freeze

cd "$folder"
preroll() { echo "\$ preroll $*" && "$folder/venv/bin/preroll" "$@"; }
preroll quickstart --sessions 4000 --evaluation-sessions 4000
preroll export preroll-quickstart/runs/ppo policy.onnx
preroll impressions preroll-quickstart/runs/thompson impressions.parquet --sessions 1000
preroll optimum --scenario classic
preroll check-env --scenario fatigue
echo "make smoke: all of it ran"

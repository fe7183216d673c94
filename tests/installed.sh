#!/usr/bin/env bash
# The tests as a user's machine would have them: a wheel made of an sdist without a warning, in an empty environment,
# and all that the sdist holds beside the package, outside the checkout, every warning an error.
#
#     bash tests/installed.sh [PYTHON [REQUIREMENTS [PYTEST OPTIONS...]]]
#
# PYTHON is python3 if not given; REQUIREMENTS a file in place of the extras dot and test, as "" is none.
set -euo pipefail
export PIP_DISABLE_PIP_VERSION_CHECK=1
unset PYTHONDONTWRITEBYTECODE  # building warns of it
python=${1:-python3} requirements=${2:-}
shift $(($# < 2 ? $# : 2))
[ -z "$requirements" ] || requirements=$(realpath "$requirements")

cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$python" -m venv "$work/tools"
"$work/tools/bin/pip" install -q build 'setuptools>=77'
"$work/tools/bin/python" -m build --sdist --no-isolation -o "$work" . >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
tar -xzf "$work"/micrograd2-*.tar.gz -C "$work"
cd "$work"/micrograd2-*/
PYTHONWARNINGS=error "$work/tools/bin/python" -m build --no-isolation -o "$work/dist" . >>"$work/log" 2>&1 || {
    cat "$work/log"; exit 1; }
if grep -i 'warning' "$work/log"; then exit 1; fi

"$python" -m venv "$work/venv"
if [ -n "$requirements" ]; then
    "$work/venv/bin/pip" install -q "$(echo "$work"/dist/*.whl)" -r "$requirements"
else
    "$work/venv/bin/pip" install -q "$(echo "$work"/dist/*.whl)[dot,test]"
fi
rm -r micrograd2 micrograd2.egg-info
PYTHONWARNINGS=error "$work/venv/bin/python" -m pytest -n 0 -W error -o testpaths= --pyargs micrograd2 tests README.md "$@"

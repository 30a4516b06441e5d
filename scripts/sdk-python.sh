#!/bin/sh
# Tests the Python SDK: linter, types, unit tests, the time of an import, and the wheel.
#
#   scripts/sdk-python.sh [env]
#
# env only prepares an environment with the wheel of sdk/python and its tools, and prints the path of its Python.
set -eu
cd "$(dirname "$0")/.."
cache=$PWD/.cache/sdk-python
python=$cache/venv/bin/python
requirements=sdk/python/requirements-dev.txt

if ! cmp -s "$requirements" "$cache/requirements.txt"; then
	rm -rf "$cache"
	python3 -m venv "$cache/venv"
	"$python" -m pip install --quiet --disable-pip-version-check --no-deps --requirement "$requirements" >&2
	cp "$requirements" "$cache/requirements.txt"
fi

# The tests use the wheel, as a client team does.
sources=$(find sdk/python -type f \( -path '*/casino_loyalty/*.py' -o -path 'sdk/python/[A-Zp]*' \) | sort | xargs sha1sum | sha1sum)
if [ "$sources" != "$(cat "$cache/installed" 2>/dev/null)" ]; then
	rm -rf "$cache/dist"
	(cd sdk/python && "$python" -m pip wheel --quiet --disable-pip-version-check --no-deps \
		--no-build-isolation --wheel-dir "$cache/dist" .) >&2
	"$python" -m pip install --quiet --disable-pip-version-check --no-deps --force-reinstall "$cache"/dist/*.whl >&2
	"$python" -m pip check --disable-pip-version-check >&2
	echo "$sources" >"$cache/installed"
fi
if [ "${1:-}" = env ]; then
	echo "$python"
	exit
fi

programs='sdk/python/examples test/sdk/python'
for command in check 'format --check'; do
	"$python" -m ruff $command --quiet --no-cache --config sdk/python/pyproject.toml sdk/python $programs
done
# From here, mypy finds the types in the wheel.
"$python" -m mypy --config-file sdk/python/pyproject.toml --cache-dir "$cache/mypy" $programs
cd sdk/python
"$python" -m mypy --cache-dir "$cache/mypy" casino_loyalty tests
"$cache/venv/bin/pytest" -q -p no:cacheprovider  # not python -m, which would test the sources instead of the wheel

# Installs the tools that client teams use into .cache/clients, in the versions of tools/clients, and puts them on the PATH. Node
# comes from PyPI, because the packages of many systems are too old for the tools. Sourced from the root of the repository by
# openapi-clients.sh and schema-clients.sh. Needs Python and the network on the first run.
cache=$PWD/.cache/clients
export PATH="$cache/node/node_modules/.bin:$cache/venv/bin:$PATH"

# stamp FILE ...: the checksums of the files that say what to install.
stamp() { cat "$@" | cksum; }

if [ "$(cat "$cache/venv/installed" 2>/dev/null)" != "$(stamp tools/clients/requirements.txt)" ]; then
	rm -rf "$cache/venv"
	python3 -m venv "$cache/venv"
	"$cache/venv/bin/pip" install -q --disable-pip-version-check -r tools/clients/requirements.txt
	stamp tools/clients/requirements.txt >"$cache/venv/installed"
fi
if [ "$(cat "$cache/node/installed" 2>/dev/null)" != "$(stamp tools/clients/package-lock.json)" ]; then
	rm -rf "$cache/node"
	mkdir -p "$cache/node"
	cp tools/clients/package.json tools/clients/package-lock.json "$cache/node/"
	npm ci --silent --no-audit --no-fund --ignore-scripts --prefix "$cache/node"
	stamp tools/clients/package-lock.json >"$cache/node/installed"
fi

# check NAME COMMAND ...: runs the command. If it fails or prints a warning, check prints its output, and failed becomes 1.
failed=0
check() {
	name=$1
	shift
	if "$@" >"$out/log" 2>&1 && ! grep -Eiq '(^|[^0-9])[1-9][0-9]* warning|warning:|warning\(s\)' "$out/log"; then
		echo "ok    $name"
	else
		echo "FAIL  $name"
		cat "$out/log"
		failed=1
	fi
}

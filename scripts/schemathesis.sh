#!/bin/sh
# Tests a running platform with Schemathesis: generates requests from the documents in openapi/, valid and invalid ones, as
# player, staff and admin, and checks every answer against the documents. Needs Go, Python, curl and the network on the first
# run; the tools are kept in .cache/schemathesis.
#
#   scripts/schemathesis.sh [--nginx] [--seed N] [EXAMPLES [DOCUMENT [ROLE]]]
#
# EXAMPLES is the maximum number of requests per operation and phase, 200 by default. It starts loyalty-dev with a data directory
# of its own. --nginx sends the requests through Nginx with the configuration of deploy/nginx. --seed repeats a run. DOCUMENT is
# users, promotions or notifications, ROLE is player, staff or admin; all by default. scripts/schemathesis/config.toml gives the
# reason for every check that is turned off.
set -eu
cd "$(dirname "$0")/.."
case "${1:-}" in -h | --help)
	sed -n '2,/^set/s/^# \{0,1\}//p' "$0"
	exit
	;;
esac
proxy=
if [ "${1:-}" = --nginx ]; then
	proxy=yes
	shift
fi
seed=$(date +%s)
if [ "${1:-}" = --seed ]; then
	seed=$2
	shift 2
fi
examples=${1:-200}
documents=${2:-users promotions notifications}
roles=${3:-player staff admin}
port=${LOYALTY_SCHEMATHESIS_PORT:-18480}

cache=$PWD/.cache/schemathesis
[ -x "$cache/venv/bin/schemathesis" ] || {
	python3 -m venv "$cache/venv"
	"$cache/venv/bin/pip" install -q schemathesis==4.32.0
}
go build -o "$cache/loyalty-dev" ./cmd/loyalty-dev
work=$(mktemp -d)
chmod 755 "$work"
password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
"$cache/loyalty-dev" --demo --addr "127.0.0.1:$port" --data "$work/data" --address-limit 60000 \
	--admin-email admin@example.com --admin-password "$password" >"$work/log" 2>&1 &
platform=$!
nginx=
stop() {
	[ -z "$nginx" ] || kill "$nginx" 2>/dev/null || true
	kill "$platform" 2>/dev/null || true
	wait
	rm -rf "$work"
}
trap stop EXIT
trap 'exit 1' INT TERM
until grep -q '^Ready\|Ready$' "$work/log"; do
	kill -0 "$platform" 2>/dev/null || {
		cat "$work/log" >&2
		exit 1
	}
	sleep 0.2
done
api=http://127.0.0.1:$port

if [ -n "$proxy" ]; then
	cp -R deploy/nginx "$work/nginx"
	sed -i "s/server [a-z]*:8080/server 127.0.0.1:$port/" "$work/nginx/replicas.conf"
	sed -i 's/rate=[0-9]*r/rate=60000r/' "$work/nginx/limits.conf"
	echo "listen 127.0.0.1:$((port + 1));" >"$work/nginx/listen.conf"
	PATH="$PATH:/usr/sbin" nginx -p "$work/nginx" -c "$work/nginx/nginx.conf" -g "daemon off; pid $work/nginx.pid;" >"$work/nginx.log" 2>&1 &
	nginx=$!
	api=http://127.0.0.1:$((port + 1))
	until curl -fs -o /dev/null "$api/health"; do
		kill -0 "$nginx" 2>/dev/null || {
			cat "$work/nginx.log" >&2
			exit 1
		}
		sleep 0.2
	done
fi

export LOYALTY_ADMIN_PASSWORD="$password" LOYALTY_API="$api"
export SCHEMATHESIS_HOOKS=scripts/schemathesis/hooks.py
export PYTHONDONTWRITEBYTECODE=1
failed=
for document in $documents; do
	for role in $roles; do
		echo "== $document as $role, seed $seed"
		LOYALTY_ROLE=$role "$cache/venv/bin/schemathesis" --config-file scripts/schemathesis/config.toml run \
			--url "$api" --max-examples "$examples" --seed "$seed" --no-color "openapi/$document.openapi.yaml" || failed=yes
	done
done
kill -0 "$platform" || failed=yes
grep -n 'ERR\|panic' "$work/log" && failed=yes
[ -z "$failed" ]

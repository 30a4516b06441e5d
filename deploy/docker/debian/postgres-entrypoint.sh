#!/bin/bash
# Does what this project needs of the entry point of the official PostgreSQL image: it creates the data directory, runs the
# scripts in /docker-entrypoint-initdb.d once, and starts the server as the user postgres.
set -euo pipefail
as_postgres() { setpriv --reuid=postgres --regid=postgres --init-groups "$@"; }

install --directory --owner=postgres --group=postgres --mode=700 "$PGDATA" /var/run/postgresql
if [ ! -s "$PGDATA/PG_VERSION" ]; then
	as_postgres initdb --pgdata="$PGDATA" --username=postgres --encoding=UTF8 --locale=C.UTF-8 \
		--auth-local=trust --auth-host=scram-sha-256 ${POSTGRES_INITDB_ARGS:-}
	echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
	as_postgres pg_ctl --pgdata="$PGDATA" --options="-c listen_addresses=''" --wait start
	as_postgres psql --username postgres --quiet --set=password="$(cat "$POSTGRES_PASSWORD_FILE")" \
		<<<"ALTER ROLE postgres PASSWORD :'password'"
	for script in /docker-entrypoint-initdb.d/*.sh; do
		as_postgres bash "$script"
	done
	as_postgres pg_ctl --pgdata="$PGDATA" --mode=fast --wait stop
fi
exec setpriv --reuid=postgres --regid=postgres --init-groups "$@" -D "$PGDATA" \
	-c hba_file="$PGDATA/pg_hba.conf" -c ident_file="$PGDATA/pg_ident.conf"

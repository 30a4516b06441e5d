#!/bin/bash
# Creates a database per service with two roles. The owner runs the migrations. The service's role owns nothing, so it cannot
# drop the triggers that keep the ledger append-only. The image runs this script once, on an empty data directory.
set -euo pipefail

for service in users promotions; do
	psql --set=ON_ERROR_STOP=1 --username postgres --quiet \
		--set=service="$service" --set=owner="${service}_owner" \
		--set=password="$(cat "/run/secrets/${service}_database_password")" \
		--set=owner_password="$(cat "/run/secrets/${service}_owner_password")" <<-'SQL'
		CREATE ROLE :"owner" LOGIN PASSWORD :'owner_password';
		CREATE ROLE :"service" LOGIN PASSWORD :'password';
		CREATE DATABASE :"service" OWNER :"owner";
		REVOKE ALL ON DATABASE :"service" FROM PUBLIC;
		GRANT CONNECT, TEMPORARY ON DATABASE :"service" TO :"service";
		\connect :"service"
		ALTER SCHEMA public OWNER TO :"owner";
		GRANT USAGE ON SCHEMA public TO :"service";
		ALTER DEFAULT PRIVILEGES FOR ROLE :"owner" GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO :"service";
		ALTER DEFAULT PRIVILEGES FOR ROLE :"owner" GRANT USAGE, SELECT ON SEQUENCES TO :"service";
	SQL
done

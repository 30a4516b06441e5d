#!/bin/bash
# Creates a database per service with two roles. The owner runs the migrations, which grant the service's role what the service
# does. The service's role owns nothing. The image runs this script once, on an empty data directory.
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
		GRANT CONNECT ON DATABASE :"service" TO :"service";
		\connect :"service"
		ALTER SCHEMA public OWNER TO :"owner";
	SQL
done

#!/bin/sh
# Writes random secrets to deploy/docker/secrets/. It keeps the files that exist, so it is safe to run again.
#
#   deploy/docker/secrets.sh
#
# The first admin's password is then in deploy/docker/secrets/admin_password. It needs openssl.
set -eu
umask 077
cd "$(dirname "$0")"
mkdir -p secrets
cd secrets

# write NAME: stores standard input, unless the file exists. The directory is private; the files are readable, because
# each container reads them as a different user.
write() {
	if [ -s "$1" ]; then
		cat >/dev/null
		return
	fi
	cat >"$1.new"
	chmod 444 "$1.new"
	mv "$1.new" "$1"
}

random() { openssl rand -hex 24; }

for name in postgres_password users_database_password users_owner_password promotions_database_password \
	promotions_owner_password mongodb_password mongodb_root_password redis_password internal_token admin_password \
	kafka_admin_password kafka_users_password kafka_promotions_password kafka_notifications_password kafka_operator_password; do
	random | write "$name"
done
openssl rand -base64 741 | write mongodb_keyfile
openssl genpkey -algorithm ed25519 | write token_key
openssl rand -base64 32 | write ledger_key
for service in users promotions; do
	echo "postgres://$service:$(cat ${service}_database_password)@postgres:5432/$service?sslmode=disable" |
		write ${service}_database_url
	echo "postgres://${service}_owner:$(cat ${service}_owner_password)@postgres:5432/$service?sslmode=disable" |
		write ${service}_owner_database_url
done
echo "mongodb://loyalty:$(cat mongodb_password)@mongo-0:27017,mongo-1:27017,mongo-2:27017/notifications?replicaSet=loyalty&authSource=admin" |
	write mongodb_url
echo "The secrets are in $PWD. The password of the first admin is in admin_password."

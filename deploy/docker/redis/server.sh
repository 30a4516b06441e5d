#!/bin/sh
# Runs Redis. With the name of a master as its argument, it starts as a replica of it. Sentinel may change the roles later;
# the generated configuration in the data directory keeps them.
set -eu
conf=/data/redis.conf
if [ ! -s "$conf" ]; then
	umask 077
	{
		cat /config/redis.conf
		echo "replica-announce-ip $(hostname)"
		printf 'requirepass %s\nmasterauth %s\n' "$(cat /run/secrets/redis_password)" "$(cat /run/secrets/redis_password)"
		if [ $# -gt 0 ]; then echo "replicaof $1 6379"; fi
	} >"$conf.new"
	mv "$conf.new" "$conf"
fi
exec redis-server "$conf"

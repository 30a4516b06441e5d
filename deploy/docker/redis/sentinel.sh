#!/bin/sh
# Runs a sentinel. It keeps its view of the master in the data directory.
set -eu
conf=/data/sentinel.conf
if [ ! -s "$conf" ]; then
	umask 077
	password=$(cat /run/secrets/redis_password)
	cat >"$conf.new" <<-CONF
		bind * -::*
		port 26379
		dir /tmp
		sentinel resolve-hostnames yes
		sentinel announce-hostnames yes
		sentinel announce-ip $(hostname)
		sentinel monitor loyalty redis-master 6379 2
		sentinel auth-pass loyalty $password
		sentinel down-after-milliseconds loyalty 2000
		sentinel failover-timeout loyalty 10000
		sentinel parallel-syncs loyalty 1
		requirepass $password
		sentinel sentinel-pass $password
	CONF
	mv "$conf.new" "$conf"
fi
exec redis-server "$conf" --sentinel

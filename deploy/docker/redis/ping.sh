#!/bin/sh
# Health check of Redis and of a sentinel. A replica is healthy while it is synchronised with its master.
set -eu
REDISCLI_AUTH=$(cat /run/secrets/redis_password)
export REDISCLI_AUTH
port=${REDIS_PORT:-6379}
[ "$(redis-cli -p "$port" ping)" = PONG ]
if [ "$port" = 6379 ]; then
	! redis-cli -p "$port" info replication | grep -q '^master_link_status:down'
fi

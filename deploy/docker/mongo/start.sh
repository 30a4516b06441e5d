#!/bin/bash
# Runs a member of the replica set. MongoDB requires that the key file belongs to its user and is private.
set -euo pipefail
install --mode=400 --owner=mongodb --group=mongodb /run/secrets/mongodb_keyfile /tmp/keyfile
exec docker-entrypoint.sh mongod --replSet loyalty --keyFile /tmp/keyfile --bind_ip_all --wiredTigerCacheSizeGB 0.25

#!/bin/bash
# Creates the replica set and the user of the notifications service. It can run again.
set -euo pipefail
password=$(cat /run/secrets/mongodb_password)
exec mongosh --quiet "mongodb://root:$password@mongo-0:27017/admin?directConnection=true" /config/init.js

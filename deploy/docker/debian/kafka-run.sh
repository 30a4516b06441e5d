#!/bin/bash
# Runs one of Kafka's programs by the name of its script.
set -euo pipefail
case $(basename "$0") in
kafka-storage.sh) main=kafka.tools.StorageTool ;;
kafka-server-start.sh) main=kafka.Kafka ;;
kafka-configs.sh) main=kafka.admin.ConfigCommand ;;
kafka-acls.sh) main=org.apache.kafka.tools.AclCommand ;;
esac
exec java ${KAFKA_HEAP_OPTS:--Xmx256m} -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -cp '/opt/kafka/libs/*' "$main" "$@"

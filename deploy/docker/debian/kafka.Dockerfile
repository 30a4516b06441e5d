FROM debian:bookworm
RUN apt-get update && apt-get install --yes --no-install-recommends openjdk-17-jre-headless && rm -rf /var/lib/apt/lists/*
COPY kafka /opt/kafka/libs
COPY kafka-run.sh /opt/kafka/bin/kafka-storage.sh
COPY kafka-run.sh /opt/kafka/bin/kafka-server-start.sh
COPY kafka-run.sh /opt/kafka/bin/kafka-configs.sh
COPY kafka-run.sh /opt/kafka/bin/kafka-acls.sh

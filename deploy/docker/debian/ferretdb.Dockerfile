# Stands in for MongoDB, which Debian does not package.
FROM debian:bookworm
COPY ferretdb /usr/local/bin/ferretdb
RUN mkdir -p /data/db
ENTRYPOINT ["ferretdb", "/data/db", "0.0.0.0:27017"]

# The image of deploy/docker/Dockerfile, with a program that was built outside.
FROM scratch
COPY ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY loyalty /loyalty
USER 65532:65532
ENTRYPOINT ["/loyalty"]

# syntax=docker/dockerfile:1
#
# An image with one executable in it, run by a user without rights on a file system it cannot write
# to but for /data. It is written with care and not built by the project's own gate, which has no
# container runtime: build it once yourself before you rely on it.
#
#   docker build -t snug .
#   docker run --read-only --tmpfs /tmp --cap-drop ALL -p 8443:8443 -v snug:/data snug

FROM denoland/deno:debian-2.9.6 AS build
WORKDIR /src
# Packages first: they change less often than the source, and this layer is then reused.
COPY deno.json deno.lock ./
RUN deno install --frozen
COPY . .
RUN deno task build

FROM debian:bookworm-slim
RUN groupadd --system --gid 10001 snug \
  && useradd --system --uid 10001 --gid 10001 --home-dir /data --shell /usr/sbin/nologin snug \
  && install -d -o snug -g snug -m 700 /data
COPY --from=build --chmod=755 /src/dist/snug /usr/local/bin/snug
# By number, so that a runtime can see that it is not root.
USER 10001:10001
ENV SNUG_DATA=/data HOME=/data
VOLUME /data
EXPOSE 8443 8080
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/snug"]
CMD ["serve", "--listen", "[::]:8443"]

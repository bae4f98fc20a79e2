# syntax=docker/dockerfile:1
#
# An image with one executable in it. It is written with care and not built by the project's own
# gate, which has no container runtime: build it once yourself before you rely on it.
#
#   docker build -t snug .
#   docker run -p 8443:8443 -v snug:/data snug serve --listen '[::]:8443'

FROM denoland/deno:debian-2.9.6 AS build
WORKDIR /src
# Packages first: they change less often than the source, and this layer is then reused.
COPY deno.json deno.lock ./
RUN deno install --frozen
COPY . .
RUN deno task build

FROM debian:bookworm-slim
RUN useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin snug \
  && install -d -o snug -g snug -m 700 /data
COPY --from=build /src/dist/snug /usr/local/bin/snug
USER snug
ENV SNUG_DATA=/data
VOLUME /data
EXPOSE 8443
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/snug"]
CMD ["serve", "--listen", "[::]:8443"]

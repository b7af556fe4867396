# The OpenTelemetry Collector with a shell beside it, because its own image has nothing that could ask whether it is well.
ARG OTELCOL=otel/opentelemetry-collector-contrib:0.158.0
ARG BASE=busybox:1.37.0
FROM ${OTELCOL} AS otelcol

FROM ${BASE}
COPY --from=otelcol /otelcol-contrib /otelcol
RUN mkdir -p /var/lib/otelcol && chown 10001:10001 /var/lib/otelcol && chmod 700 /var/lib/otelcol
USER 10001:10001
VOLUME /var/lib/otelcol
EXPOSE 4317 4318
ENTRYPOINT ["/otelcol"]
CMD ["--config", "/etc/otelcol/gateway.yaml"]

# Stand-ins for public images: same paths, same users, same commands as the real ones. Prometheus is the very version,
# Alertmanager and PostgreSQL are Debian's.
ARG BASE=localhost/hybridobs-test-base
ARG PROMETHEUS=localhost/prometheus
FROM ${PROMETHEUS} AS built-prometheus
FROM ${BASE} AS prometheus
COPY --from=built-prometheus /prometheus /usr/local/bin/prometheus
RUN install -d -o nobody -g nogroup /prometheus
USER nobody
WORKDIR /prometheus
ENTRYPOINT ["prometheus"]

FROM ${BASE} AS alertmanager
RUN install -d -o nobody -g nogroup /alertmanager
USER nobody
WORKDIR /alertmanager
ENTRYPOINT ["prometheus-alertmanager"]

FROM ${BASE} AS database
RUN useradd --system --uid 999 postgres && install -d -o postgres -m 0700 /var/lib/postgresql/data \
 && install -d -o postgres -m 0775 /var/run/postgresql \
 && ln -sf /usr/lib/postgresql/*/bin/pg_isready /usr/bin/pg_isready
COPY database.sh /usr/local/bin/database.sh
ENTRYPOINT ["bash", "/usr/local/bin/database.sh"]

# A person's address for alerts: what comes is kept as lines of JSON, and can be read at /.
FROM ${BASE} AS hook
COPY hook.py /hook.py
ENTRYPOINT ["python", "-u", "/hook.py"]

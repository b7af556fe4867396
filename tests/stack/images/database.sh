# What the entry point of the official image does with the same settings: makes the database once, then runs the server.
set -euo pipefail
bin="$(echo /usr/lib/postgresql/*/bin)"
data=/var/lib/postgresql/data
as_postgres() { setpriv --reuid postgres --regid nogroup --clear-groups "$@"; }
chown postgres "$data"
chmod 700 "$data"
if [[ ! -s $data/PG_VERSION ]]; then
  as_postgres "$bin/initdb" -D "$data" -U "$POSTGRES_USER" -E UTF8 --locale=C.UTF-8 -A scram-sha-256 \
    --pwfile="$POSTGRES_PASSWORD_FILE" --no-sync >/dev/null
  echo 'host all all all scram-sha-256' >>"$data/pg_hba.conf"
  echo "create database $POSTGRES_DB" | as_postgres "$bin/postgres" --single -D "$data" postgres >/dev/null
fi
exec setpriv --reuid postgres --regid nogroup --clear-groups "$bin/postgres" -D "$data" -c 'listen_addresses=*' -c jit=off "$@"

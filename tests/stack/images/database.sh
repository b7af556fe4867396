# What the entry point of the official image does with the same settings: makes the database once, then runs the server.
set -euo pipefail
bin="$(echo /usr/lib/postgresql/*/bin)"
data=/var/lib/postgresql/data
if [[ ! -s $data/PG_VERSION ]]; then
  chown postgres "$data"
  cp "$POSTGRES_PASSWORD_FILE" /tmp/password && chown postgres /tmp/password
  su postgres -s /bin/bash -c "$bin/initdb -D $data -U $POSTGRES_USER -E UTF8 --locale=C.UTF-8 -A scram-sha-256 --pwfile=/tmp/password --no-sync" >/dev/null
  rm /tmp/password
  echo 'host all all all scram-sha-256' >>"$data/pg_hba.conf"
  su postgres -s /bin/bash -c "echo 'create database $POSTGRES_DB' | $bin/postgres --single -D $data postgres" >/dev/null
fi
exec setpriv --reuid postgres --clear-groups --init-groups "$bin/postgres" -D "$data" -c 'listen_addresses=*' -c jit=off "$@"

// Writes tests/grafana/schemas/*.json: JSON Schemas of Grafana's own types, from the package @grafana/schema
// (Apache-2.0). Grafana's types mark fields that have a default as required; those demands are taken out.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createGenerator } from 'ts-json-schema-generator';

const PACKAGE = 'node_modules/@grafana/schema';
const RAW = `${PACKAGE}/dist/types/raw`;
const OUT = '../../tests/grafana/schemas';
const KINDS = ['bargauge', 'heatmap', 'stat', 'table', 'text', 'timeseries'];

const version = JSON.parse(readFileSync(`${PACKAGE}/package.json`, 'utf8')).version;

function schema(path, type) {
  const made = createGenerator({ path: `${RAW}/${path}`, type, skipTypeCheck: true }).createSchema(type);
  return { ...lenient(made), $comment: `Made by dashboards/render/schemas.mjs from @grafana/schema ${version} (Apache-2.0).` };
}

function lenient(value) {
  if (Array.isArray(value)) return value.map(lenient);
  if (value === null || typeof value !== 'object') return value;
  const said = ([key, inner]) => (key === 'required' && Array.isArray(inner)) || (key === 'description' && typeof inner === 'string');
  const kept = Object.entries(value).filter((entry) => !said(entry));
  return Object.fromEntries(kept.map(([key, inner]) => [key, lenient(inner)]));
}

function write(name, made) {
  writeFileSync(`${OUT}/${name}.json`, `${JSON.stringify(made, null, 1)}\n`);
}

mkdirSync(OUT, { recursive: true });
write('dashboard', schema('dashboard/x/types.gen.d.ts', 'Dashboard'));
for (const kind of KINDS) {
  const path = `composable/${kind}/panelcfg/x/types.gen.d.ts`;
  write(`${kind}-options`, schema(path, 'Options'));
  if (readFileSync(`${RAW}/${path}`, 'utf8').includes('FieldConfig')) write(`${kind}-field`, schema(path, 'FieldConfig'));
}

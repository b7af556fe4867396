// node draw.mjs BUNDLE PAYLOAD.json PICTURE.png: draws one board in headless Chromium and makes the picture small.
// node draw.mjs --bundle BUNDLE: makes the bundle.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import sharp from 'sharp';

const CELL = 38;

async function bundle(outfile) {
  await build({
    entryPoints: [join(import.meta.dirname, 'src/main.tsx')],
    outfile,
    bundle: true,
    minify: true,
    jsx: 'automatic',
    define: { global: 'window', 'process.env.NODE_ENV': '"production"' },
    loader: { '.svg': 'dataurl', '.woff2': 'dataurl', '.woff': 'dataurl', '.ttf': 'dataurl', '.png': 'dataurl' },
    logLevel: 'error',
  });
}

async function draw(script, payloadFile, picture) {
  const payload = JSON.parse(readFileSync(payloadFile, 'utf8'));
  const rows = Math.max(...payload.board.panels.map((panel) => panel.gridPos.y + panel.gridPos.h));
  const folder = mkdtempSync(join(tmpdir(), 'board-'));
  const page = join(folder, 'page.html');
  const data = JSON.stringify(payload).replaceAll('<', '\\u003c');
  writeFileSync(page, `<!doctype html><meta charset="utf-8"><link rel="stylesheet" href="file://${script.replace(/js$/, 'css')}"><body style="background:#111217"><div id="root"></div><script>window.PAYLOAD=${data}</script><script src="file://${script}"></script>`);
  const shot = join(folder, 'shot.png');
  const height = payload.head + rows * CELL + 8;
  execFileSync('chromium', [
    '--headless=new', '--no-sandbox', '--disable-gpu', '--hide-scrollbars', '--allow-file-access-from-files',
    `--user-data-dir=${folder}/profile`, `--window-size=${payload.width},${height + 120}`, `--screenshot=${shot}`, '--virtual-time-budget=12000',
    ...(process.env.BOARD_LOG ? ['--enable-logging=stderr', '--v=0'] : []), `file://${page}`,
  ], { stdio: process.env.BOARD_LOG ? 'inherit' : 'ignore', timeout: 180_000 });
  await sharp(shot).extract({ left: 0, top: 0, width: payload.width, height }).png({ palette: true, colours: 96, effort: 10, compressionLevel: 9 }).toFile(picture);
  rmSync(folder, { recursive: true, force: true });
}

const [first, second, third] = process.argv.slice(2);
await (first === '--bundle' ? bundle(second) : draw(first, second, third));

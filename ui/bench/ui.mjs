/**
 * Measures the window with many sessions: builds the recorded page, lets a headless Chromium play
 * `--n` sessions with `--rate` updates a second for `--seconds`, and prints the frames it counted.
 */
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { extname, join, normalize } from 'node:path';
import { parseArgs } from 'node:util';

import { build } from 'vite';

const { values } = parseArgs({
  options: {
    n: { type: 'string', default: '500' },
    rate: { type: 'string', default: '50' },
    seconds: { type: 'string', default: '10' },
    browser: { type: 'string', default: process.env['CHROMIUM'] ?? 'chromium' },
  },
});

const TYPES = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};
const LONG_FRAME_MS = 50;

const folder = await mkdtemp(join(tmpdir(), 'mission-control-bench-'));
let browser;
try {
  const outDir = join(folder, 'page');
  await build({ mode: 'recorded', logLevel: 'error', build: { outDir, emptyOutDir: true } });
  const { server, port, report } = await serve(outDir);
  const query = new URLSearchParams({
    scene: 'crowd',
    n: values.n,
    rate: values.rate,
    measure: values.seconds,
  });
  browser = spawn(
    values.browser,
    [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--window-size=1280,860',
      `--user-data-dir=${join(folder, 'profile')}`,
      `http://127.0.0.1:${port}/?${query}`,
    ],
    { stdio: 'ignore' },
  );
  const failed = new Promise((_, reject) => {
    browser.on('error', reject);
    setTimeout(
      () => reject(new Error('the page did not report in time')),
      (Number(values.seconds) + 60) * 1000,
    ).unref();
  });
  const measured = await Promise.race([report, failed]);
  process.stdout.write(
    `${JSON.stringify({ sessions: Number(values.n), updates_per_s: Number(values.rate), ...measured })}\n`,
  );
  process.exitCode = measured.longest_frame_ms > LONG_FRAME_MS ? 1 : 0;
  server.close();
} finally {
  if (browser !== undefined && browser.exitCode === null) {
    const gone = new Promise((done) => browser.on('exit', done));
    browser.kill();
    await gone;
  }
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}

async function serve(root) {
  let answer;
  const report = new Promise((done) => {
    answer = done;
  });
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, 'http://localhost');
    if (request.method === 'POST' && pathname === '/measured') {
      const parts = [];
      for await (const part of request) parts.push(part);
      answer(JSON.parse(Buffer.concat(parts).toString()));
      response.writeHead(204).end();
      return;
    }
    try {
      const file = normalize(join(root, pathname === '/' ? 'index.html' : pathname));
      const body = await readFile(file);
      response
        .writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream' })
        .end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  return { server, port: server.address().port, report };
}

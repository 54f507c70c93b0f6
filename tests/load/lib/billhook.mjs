// Billhook itself: a data directory, its set-up, its processes, and the web server in front.

import { spawn } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { binary, freePort, run, SOURCE_DIR, until } from './base.mjs';
import { billhookProcesses, isAlive } from './processes.mjs';

// Made up, and the only secret that the sender and the connection share.
export const SIGNING_SECRET = 'whsec_load_test_0123456789abcdef';

/*
 * The document for `billhook apply`: one Stripe account to both CRMs.  Which
 * of them take part, and with what settings, is told by the simulators given.
 */
export function setupDocument({ salesforce, hubspot }) {
  const connections = [{
    code: 'stripe', driver: 'stripe', name: 'Stripe', settings: { mode: 'live' }, secrets: { webhook: 'env:LOAD_STRIPE_SECRET' },
  }];
  const syncs = [];
  if (salesforce) {
    connections.push({
      code: 'sf', driver: 'salesforce', name: 'Salesforce',
      settings: { flow: 'client_credentials', login_url: salesforce.url, client_id: 'sim-client' },
      secrets: { client_secret: 'env:LOAD_SF_SECRET' },
    });
    syncs.push({ code: 'to-sf', from: 'stripe', to: 'sf', preset: 'stripe-salesforce' });
  }
  if (hubspot) {
    const types = hubspot.objectTypes;
    connections.push({
      code: 'hs', driver: 'hubspot', name: 'HubSpot', settings: { flow: 'token', base_url: hubspot.url },
      secrets: { access_token: 'env:LOAD_HS_TOKEN' },
    });
    syncs.push({
      code: 'to-hs', from: 'stripe', to: 'hs', preset: 'stripe-hubspot',
      settings: {
        customer_object: 'companies',
        subscription_object: types.BillhookSubscriptions.objectTypeId,
        invoice_object: types.BillhookInvoices.objectTypeId,
      },
    });
  }
  return { billhook: 1, connections, syncs };
}

const ENVIRONMENT = {
  BILLHOOK_SOURCE: SOURCE_DIR,
  BILLHOOK_PASSWORD: 'correct horse battery',
  LOAD_STRIPE_SECRET: SIGNING_SECRET,
  LOAD_SF_SECRET: 'sim-secret',
  LOAD_HS_TOKEN: 'pat-sim-token',
};

export class Billhook {
  constructor(dir, options = {}) {
    this.dir = dir;
    this.binary = binary();
    this.options = options; // of billhook.conf
    if (!existsSync(this.binary)) throw new Error(`there is no ${this.binary}: build first, or name the build directory in BH_BUILDDIR`);
  }

  environment(more = {}) {
    return { ...ENVIRONMENT, BILLHOOK_DIR: this.dir, ...more };
  }

  verb(words, { input, env, timeoutMs } = {}) {
    return run(this.binary, words, { env: this.environment(env), input, timeoutMs });
  }

  async good(words, more) {
    const result = await this.verb(words, more);
    if (result.status !== 0) throw new Error(`billhook ${words.join(' ')}: status ${result.status}: ${result.err || result.out}`);
    return result.out;
  }

  async setUp(document) {
    await this.good(['init', '--quiet']);
    const lines = Object.entries(this.options).map(([name, value]) => `${name} = ${value}\n`);
    appendFileSync(join(this.dir, 'billhook.conf'), lines.join(''));
    await this.good(['apply', '-', '--yes', '--quiet'], { input: JSON.stringify(document) });
  }

  // In the foreground, with an environment of the test's own.
  serve(cleanup, env = {}) {
    const child = spawn(this.binary, ['serve', '--quiet', '--dir', this.dir],
      { env: { ...process.env, ...this.environment(env) }, stdio: ['ignore', 'ignore', 'inherit'] });
    this.serving = child;
    this.ended = new Promise((done) => child.on('exit', (status, signal) => done({ status, signal })));
    cleanup.add(() => this.stop());
    return child.pid;
  }

  // A statement about the lanes; also of a Billhook that has things held (status 3).
  async status() {
    const result = await this.verb(['status', '--json']);
    try {
      return JSON.parse(result.out.toString());
    } catch {
      throw new Error(`billhook status: status ${result.status}: ${result.err}`);
    }
  }

  processes() {
    return billhookProcesses(this.binary, this.dir);
  }

  log() {
    const file = join(this.dir, 'log/billhook.log');
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  }

  // `billhook stop`, and a look whether everything has gone; the status of the verb.
  async stop() {
    const { status, err } = await this.verb(['stop', '--quiet'], { timeoutMs: 45000 });
    if (err !== '') console.error(err.trimEnd());
    if (this.serving && this.serving.exitCode === null && this.serving.signalCode === null) await this.ended;
    return status;
  }

  // What is left for whatever reason; only to be called when the web server has gone.
  async end() {
    await this.stop();
    const isOver = () => this.processes().length === 0;
    await until('end of all processes', isOver, 5000, 20).catch(() => {});
    const left = this.processes();
    for (const { pid } of left) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
    return left;
  }
}

function lighttpdConfig(dir, port, backends) {
  const servers = Object.entries(backends).map(([prefix, backend]) => {
    const lines = Object.entries(backend).map(([name, value]) => {
      if (typeof value !== 'object') return `    "${name}" => ${JSON.stringify(value)}`;
      const variables = Object.entries(value).map(([key, text]) => `      ${JSON.stringify(key)} => ${JSON.stringify(text)}`);
      return `    "${name}" => (\n${variables.join(',\n')}\n    )`;
    });
    return `  ${JSON.stringify(prefix)} => ((\n${lines.join(',\n')}\n  ))`;
  });
  return `server.document-root = "${dir}/htdocs"
server.bind = "127.0.0.1"
server.port = ${port}
server.modules = ("mod_fastcgi")
server.errorlog = "${dir}/lighttpd.err"
server.upload-dirs = ("${dir}/upload")
server.max-request-size = 20480
server.listen-backlog = 1024
server.max-fds = 4096
server.max-keep-alive-requests = 1000000
server.max-keep-alive-idle = 60
fastcgi.server = (
${servers.join(',\n')}
)
`;
}

/*
 * lighttpd in the foreground on a free port.  backends: path prefix to the
 * settings of mod_fastcgi; what they lack of the usual ones is added.
 */
export class Lighttpd {
  constructor(dir, backends) {
    this.dir = dir;
    const usual = { 'check-local': 'disable', 'listen-backlog': 1024, 'fix-root-scriptname': 'enable' };
    this.backends = Object.fromEntries(Object.entries(backends).map(([prefix, backend]) => [prefix, { ...usual, ...backend }]));
  }

  async start(cleanup) {
    for (const name of ['htdocs', 'upload']) mkdirSync(join(this.dir, name), { recursive: true });
    this.port = await freePort();
    this.url = `http://127.0.0.1:${this.port}`;
    const file = join(this.dir, 'lighttpd.conf');
    writeFileSync(file, lighttpdConfig(this.dir, this.port, this.backends));
    const child = spawn('lighttpd', ['-D', '-f', file], { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` } });
    const ended = new Promise((done) => child.on('exit', done));
    cleanup.add(async () => {
      child.kill('SIGTERM');
      await ended;
    });
    child.on('error', (error) => console.error(`lighttpd: ${error.message}`));
    this.pid = child.pid;
    this.stop = async () => {
      child.kill('SIGTERM');
      await ended;
    };
    await until('lighttpd', () => {
      if (child.exitCode !== null) throw new Error(`lighttpd ended with status ${child.exitCode}`);
      return isReachable(this.port);
    });
    return this;
  }
}

function isReachable(port) {
  return new Promise((done) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => {
      socket.destroy();
      done(true);
    });
    socket.on('error', () => done(false));
  });
}

// The settings of mod_fastcgi for a Billhook that the web server starts.
export const startedByWebServer = (billhook, env = {}) => ({
  'bin-path': billhook.binary,
  socket: join(billhook.dir, 'web.sock'),
  'max-procs': 1,
  'bin-environment': billhook.environment(env),
});

// The same for the pool of `billhook serve`.
export const servedBeside = (billhook) => ({ socket: join(billhook.dir, 'run/front.sock') });

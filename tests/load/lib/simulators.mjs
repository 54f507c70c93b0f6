// The two CRM simulators as processes of their own, and their control interface; billing simulators.

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { SOURCE_DIR, until } from './base.mjs';

export class Simulator {
  constructor(name, schemaFile, settings) {
    this.name = name;
    this.schema = JSON.parse(readFileSync(join(SOURCE_DIR, 'presets/schema', schemaFile), 'utf8'));
    this.settings = settings;
    this.agent = new Agent({ keepAlive: true, maxSockets: 2 });
  }

  async start(cleanup, dir) {
    const portFile = join(dir, `${this.name}.port`);
    const script = join(SOURCE_DIR, 'tests/crm', `${this.name}.mjs`);
    const child = spawn(process.execPath, [script, '--port', '0', '--port-file', portFile, '--settings', JSON.stringify(this.settings)],
      { stdio: ['ignore', 'ignore', 'inherit'] });
    const ended = new Promise((done) => child.on('exit', done));
    cleanup.add(() => {
      child.kill('SIGTERM');
      return ended;
    });
    this.pid = child.pid;
    this.port = await until(`${this.name} simulator`, () => {
      try {
        return Number(readFileSync(portFile, 'utf8'));
      } catch {
        return 0;
      }
    });
    this.url = `http://127.0.0.1:${this.port}`;
    this.objectTypes = (await this.control('POST', 'schema', this.schema)).objectTypes;
    return this;
  }

  control(method, path, body) {
    const text = body === undefined ? '' : JSON.stringify(body);
    return new Promise((done, fail) => {
      const req = request(`${this.url}/_sim/${path}`, { method, agent: this.agent, headers: { 'Content-Length': Buffer.byteLength(text) } }, (res) => {
        const chunks = [];
        res.on('data', (chunk) => chunks.push(chunk));
        res.on('error', fail);
        res.on('end', () => {
          const answer = Buffer.concat(chunks).toString();
          if (res.statusCode === 200) done(JSON.parse(answer));
          else fail(new Error(`${this.name} simulator, ${method} ${path}: ${res.statusCode} ${answer.slice(0, 300)}`));
        });
      });
      req.on('error', fail);
      req.end(text);
    });
  }

  set(settings) {
    return this.control('POST', 'settings', settings);
  }

  async clear() {
    await this.control('POST', 'reset', {});
    await this.set(this.settings);
  }

  calls() {
    return this.control('GET', 'calls');
  }

  async callCount() {
    return (await this.control('GET', 'calls?count=1')).total;
  }

  async state() {
    return (await this.control('GET', 'state')).objects;
  }
}

// Limits that a test of speed must not run into; a test of limits sets its own.
export const salesforce = (settings = {}) =>
  new Simulator('salesforce', 'salesforce.json', { daily_limit: 1000000, ...settings });
export const hubspot = (settings = {}) =>
  new Simulator('hubspot', 'hubspot.json', settings);

// A billing system: { url, control(method, path, body) }.
export async function startBilling(name, cleanup, dir, settings = {}) {
  const portFile = join(dir, `${name}.port`);
  const script = join(SOURCE_DIR, 'tests/billing', `${name}.mjs`);
  const child = spawn(process.execPath, [script, '--port', '0', '--port-file', portFile, '--settings', JSON.stringify(settings)], { stdio: ['ignore', 'ignore', 'inherit'] });
  const ended = new Promise((done) => child.on('exit', done));
  cleanup.add(() => {
    child.kill('SIGTERM');
    return ended;
  });
  const port = await until(`${name} simulator`, () => {
    try {
      return Number(readFileSync(portFile, 'utf8'));
    } catch {
      return 0;
    }
  });
  const url = `http://127.0.0.1:${port}`;
  const control = async (method, path, body) => {
    const answer = await fetch(`${url}/_sim/${path}`, { method, body: body === undefined ? undefined : JSON.stringify(body) });
    if (answer.status !== 200) throw new Error(`${name} simulator, ${method} ${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  };
  return { url, control };
}

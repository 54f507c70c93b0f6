// What the simulators share: the table of rows that are made at need, and the
// command line.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { mix, padded, stream } from './common/chance.mjs';
import { Pattern } from './common/pattern.mjs';
import { Table } from './common/table.mjs';

const MADE = 40;
const name = (j) => `m${padded(j, 3)}`;
const made = { count: MADE, id: name, index: (id) => (/^m\d{3}$/.test(id) && Number(id.slice(1)) < MADE ? Number(id.slice(1)) : -1), key: (j) => padded(j * 10), row: (j) => ({ id: name(j), key: padded(j * 10), n: j }) };

function newTable() {
  const table = new Table({ id: (row) => row.id, key: (row) => row.key });
  table.make(made);
  return table;
}

// The same world as a plain list.
class Plain {
  constructor() {
    this.rows = new Map(Array.from({ length: MADE }, (_, j) => [name(j), made.row(j)]));
  }

  list() {
    return [...this.rows.values()].sort((a, b) => (a.key === b.key ? (a.id < b.id ? -1 : 1) : a.key > b.key ? -1 : 1)).map((row) => row.id);
  }
}

describe('a table', () => {
  it('is like a list that was sorted, whatever was done to it', () => {
    for (let seed = 1; seed <= 30; seed++) {
      const next = stream(seed);
      const table = newTable();
      const plain = new Plain();
      for (let step = 0; step < 60; step++) {
        const id = next() < 0.7 ? name(Math.floor(next() * MADE)) : `g${Math.floor(next() * 10)}`;
        if (next() < 0.3) {
          table.remove(id);
          plain.rows.delete(id);
        } else {
          const row = { id, key: padded(Math.floor(next() * 80) * 5 + 1), n: step };
          table.put(row);
          plain.rows.set(id, row);
        }
        const wanted = plain.list();
        assert.equal(table.count, wanted.length);
        const from = Math.floor(next() * (wanted.length + 2));
        assert.deepEqual(table.slice(from, 7).map((row) => row.id), wanted.slice(from, from + 7), `seed ${seed} step ${step}`);
        assert.deepEqual(table.all().map((row) => row.id), wanted);
        const even = table.select('even', (row) => row.n % 2 === 0);
        assert.deepEqual(even.slice(1, 3).map((row) => row.id), wanted.filter((one) => plain.rows.get(one).n % 2 === 0).slice(1, 4));
      }
    }
  });
  it('looks at the made rows that it is told of, and at all others', () => {
    const table = newTable();
    table.put({ id: 'g1', key: padded(155), n: 15 });
    table.put({ id: name(12), key: padded(120), n: 15 });
    table.remove(name(13));
    const found = table.all((row) => row.n === 15 || row.n === 13, [12, 13, 15]);
    assert.deepEqual(found.map((row) => row.id), ['g1', 'm015', 'm012']);
  });
});

describe('a pattern', () => {
  it('counts children and finds parents', () => {
    const pattern = new Pattern([2, 0, 3]);
    assert.deepEqual([0, 1, 2, 3, 4].map((n) => pattern.first(n)), [0, 2, 2, 5, 7]);
    assert.deepEqual([0, 1, 2, 4, 5].map((j) => pattern.of(j)), [{ parent: 0, nth: 0 }, { parent: 0, nth: 1 }, { parent: 2, nth: 0 }, { parent: 2, nth: 2 }, { parent: 3, nth: 0 }]);
    assert.deepEqual(pattern.children(5), [7, 8, 9]);
    assert.notEqual(mix(1, 2), mix(2, 1));
  });
});

async function ready(file) {
  for (let i = 0; i < 200 && !existsSync(file); i++) await sleep(25);
  return Number(readFileSync(file, 'utf8'));
}

describe('the command', () => {
  for (const system of ['lago', 'lostchurn', 'alguna'])
    it(`starts ${system} and tells its port`, async () => {
      const folder = mkdtempSync(join(tmpdir(), 'billing-'));
      const file = join(folder, 'port');
      const script = fileURLToPath(new URL(`${system}.mjs`, import.meta.url));
      const child = spawn(process.execPath, [script, '--port-file', file, '--settings', '{"latency_ms":1}'], { stdio: 'ignore' });
      const ended = new Promise((resolve) => child.on('exit', resolve));
      const base = `http://127.0.0.1:${await ready(file)}/_sim`;
      assert.deepEqual(await (await fetch(`${base}/health`)).json(), { ok: true });
      assert.equal((await (await fetch(`${base}/settings`)).json()).latency_ms, 1);
      child.kill('SIGTERM');
      assert.equal(await ended, 0);
      rmSync(folder, { recursive: true });
    });
});

// The conversations with HubSpot that the driver's tests play: every answer,
// and every request as it stands there and as the driver sends it, is one that HubSpot's documents know.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readConversation } from './conversation.mjs';
import { Validator } from './validator.mjs';

const source = fileURLToPath(new URL('../..', import.meta.url));
const build = process.env.BH_BUILDDIR ?? join(source, 'build');
const folder = join(source, 'tests/wire/hubspot/');
const validator = new Validator();

// An answer that is wrong on purpose must be: else its mark says what is not so.
function answerOf(call) {
  if (call.answer === null) return [];
  const said = validator.answer(call, call.answer);
  if (!call.answer.isWrong) return said;
  return said.length === 0 ? ['marked as wrong, but nothing is'] : [];
}

function complaints(name) {
  return readConversation(folder + name).flatMap((call) => [
    ...requestOf(call).map((text) => `line ${call.line}: ${call.method} ${call.url}: ${text}`),
    ...answerOf(call).map((text) => `line ${call.answer.line}: ${text}`),
  ]);
}

// Of a body that is known in parts, the address is all that can be held here; it is held as it was sent.
function requestOf(call) {
  const said = validator.request({ ...call, body: call.body ?? '' });
  return call.body === null ? said.filter((text) => text !== 'no body') : said;
}

const names = readdirSync(folder).filter((one) => one.endsWith('.wire'));
for (const name of names) test(name, () => assert.deepEqual(complaints(name), []));

// [{method, url, contentType, body}]: what the driver sends while it plays all conversations.
function sent() {
  const dir = mkdtempSync(join(tmpdir(), 'billhook-wire-'));
  try {
    const file = join(dir, 'sent');
    const env = { ...process.env, BH_SRCDIR: source, BH_BUILDDIR: build, BH_WIRE_SENT: file };
    const { status, error, stdout } = spawnSync(join(build, 't-wire-dest'), ['tests/wire/hubspot/'], { env, cwd: source, maxBuffer: 1 << 26 });
    assert.equal(status, 0, error?.message ?? stdout.toString().slice(-2000));
    return readFileSync(file, 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line));
  } finally {
    rmSync(dir, { recursive: true });
  }
}

test('as the driver sends them', () => {
  const calls = sent(), said = new Set();
  const expected = names.reduce((sum, name) => sum + readConversation(folder + name).length, 0);
  assert.equal(calls.length, expected, 'every request of every conversation');
  for (const call of calls)
    for (const text of validator.request(call)) said.add(`${call.method} ${call.url}: ${text}`);
  assert.deepEqual([...said], []);
});

// The conversations with HubSpot that the driver's tests play: every request,
// and every answer that claims success, is one that HubSpot's documents know.

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { filledUp, readConversation } from './conversation.mjs';
import { Validator } from './validator.mjs';

const folder = fileURLToPath(new URL('../wire/hubspot/', import.meta.url));
const validator = new Validator();

// An answer that is wrong on purpose must be: else its mark says what is not so.
function answerOf(call) {
  if (call.answer === null) return [];
  // What the driver never looks at may be left out of a definition.
  const said = validator.answer(call, filledUp(call)).filter((text) => call.answer.isWrong || !text.includes('required property'));
  if (!call.answer.isWrong) return said;
  return said.length === 0 ? ['marked as wrong, but nothing is'] : [];
}

function complaints(name) {
  return readConversation(folder + name).flatMap((call) => [
    ...requestOf(call).map((text) => `line ${call.line}: ${call.method} ${call.url}: ${text}`),
    ...answerOf(call).map((text) => `line ${call.answer.line}: ${text}`),
  ]);
}

// Of a body that is known in parts, the address is all that can be held.
function requestOf(call) {
  const said = validator.request({ ...call, body: call.body ?? '' });
  return call.body === null ? said.filter((text) => text !== 'no body') : said;
}

for (const name of readdirSync(folder).filter((one) => one.endsWith('.wire')))
  test(name, () => assert.deepEqual(complaints(name), []));

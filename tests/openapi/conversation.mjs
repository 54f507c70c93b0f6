// The calls of a wire conversation (tests/wire/README.md), as far as the
// validator reads them.  A comment "# wrong: why" stands in front of an answer
// that is none of HubSpot's, on purpose.

import { readFileSync } from 'node:fs';

const WRONG = '# wrong: ';

function logicalLines(text) {
  const lines = [];
  let isWrong = false;
  text.split('\n').forEach((line, i) => {
    if (line.startsWith(WRONG)) isWrong = true;
    if (line === '' || line.startsWith('#')) return;
    if (/^[ \t]/.test(line)) lines.at(-1).text += `\n${line}`;
    else {
      lines.push({ number: i + 1, mark: line.split(' ', 1)[0], text: line.slice(line.indexOf(' ') + 1), isWrong });
      isWrong = false;
    }
  });
  return lines;
}

// [{line, method, url, contentType, body, answer: {line, status, body, isWrong} or null}].
// body is null where the conversation knows only parts of it.
export function readConversation(file) {
  const calls = [];
  for (const { number, mark, text, isWrong } of logicalLines(readFileSync(file, 'utf8'))) {
    const call = calls.at(-1);
    if (mark === '>') {
      const [method, url] = text.split(' ');
      calls.push({ line: number, method, url, contentType: '', body: '', answer: null });
    } else if (mark === '>>') Object.assign(call, bodyOf(text));
    else if (mark === '>~') call.body = null;
    else if (mark === '<' && /^\d/.test(text)) call.answer = { line: number, status: Number(text), body: '', isWrong };
    else if (mark === '<<') call.answer.body = text;
  }
  return calls;
}

const bodyOf = (body) => ({ body, contentType: /^[[{]/.test(body) ? 'application/json' : 'application/x-www-form-urlencoded' });

// Conversations are for reading: an answer may leave out what the driver never
// looks at.  Of which calls, of the whole and of each of the results.
const TIMES = { createdAt: '2026-11-22T04:00:00.000Z', updatedAt: '2026-11-22T04:00:00.000Z' };
const UNREAD = [
  {
    path: /^\/crm\/objects\/[^/]+\/[^/]+\/batch\//,
    whole: { status: 'COMPLETE', startedAt: TIMES.createdAt, completedAt: TIMES.updatedAt }, each: { properties: {}, archived: false, ...TIMES },
  },
  {
    path: /^\/account-info\/[^/]+\/details$/,
    whole: {
      accountType: 'STANDARD', additionalCurrencies: [], companyCurrency: 'USD', dataHostingLocation: 'na1', timeZone: 'US/Eastern',
      uiDomain: 'app.hubspot.com', utcOffset: '-05:00', utcOffsetMilliseconds: -18000000,
    },
    each: {},
  },
  { path: /^\/crm\/properties\/[^/]+\/[^/]+$/, whole: {}, each: { label: '', fieldType: 'text', description: '', groupName: 'information', options: [] } },
  {
    path: /^\/crm-object-schemas\/[^/]+\/schemas$/, whole: {},
    each: {
      id: '1', allowsSensitiveProperties: false, archived: false, labels: {}, properties: [], associations: [], name: '', objectTypeId: '2-1', fullyQualifiedName: '',
      requiredProperties: [], searchableProperties: [], secondaryDisplayProperties: [], createdAt: TIMES.createdAt, updatedAt: TIMES.updatedAt,
    },
  },
];

// The answer of a call with that put in.
export function filledUp({ url, answer }) {
  const unread = UNREAD.find(({ path }) => path.test(new URL(url, 'https://example.com').pathname));
  if (unread === undefined || answer.status > 299 || answer.isWrong || answer.body === '') return answer;
  const body = { ...unread.whole, ...JSON.parse(answer.body) };
  if (Array.isArray(body.results)) body.results = body.results.map((one) => ({ ...unread.each, ...one }));
  return { ...answer, body: JSON.stringify(body) };
}

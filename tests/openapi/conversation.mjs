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

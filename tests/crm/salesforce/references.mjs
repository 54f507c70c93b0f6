// References such as @{acc.id} or @{q.records[0].Id} between the sub-requests of
// one composite call (Salesforce: Composite).

import { badRequest } from './errors.mjs';

const REFERENCE = /@\{([A-Za-z0-9][A-Za-z0-9_]*)((?:\.[A-Za-z_]\w*|\[\d+\])*)\}/g;
const WHOLE = /^@\{[^}]*\}$/;

const halted = (message) => badRequest('PROCESSING_HALTED', message);

// `answers` maps a referenceId to {status, body}; what has not run is missing.
function valueOf(answers, name, path, whole) {
  const source = answers.get(name);
  const unknown = () => halted(`Invalid reference specified. No value for ${whole} found in ${name}.`);
  if (!source) throw unknown();
  if (source.status >= 400) throw halted(`Execution halted as previous operation (${name}) was not successful.`);
  let value = source.body;
  for (const step of path.match(/[A-Za-z_]\w*|\d+/g) ?? []) {
    value = value === null || value === undefined ? undefined : value[step];
  }
  if (value === undefined || value === null || typeof value === 'object') throw unknown();
  return value;
}

function inText(answers, text, encode) {
  if (!text.includes('@{')) return text;
  if (!encode && WHOLE.test(text)) {
    const found = [...text.matchAll(REFERENCE)][0];
    if (found) return valueOf(answers, found[1], found[2], found[1] + found[2]);
  }
  return text.replace(REFERENCE, (_, name, path) => {
    const value = String(valueOf(answers, name, path, name + path));
    return encode ? encodeURIComponent(value) : value;
  });
}

export const fillUrl = (answers, url) => inText(answers, url, true);

export function fillBody(answers, value) {
  if (typeof value === 'string') return inText(answers, value, false);
  if (Array.isArray(value)) return value.map((item) => fillBody(answers, item));
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fillBody(answers, item)]));
  }
  return value;
}

export function referencesIn(request) {
  const text = request.url + JSON.stringify(request.body ?? null);
  return text.includes('@{') ? [...text.matchAll(REFERENCE)].map((found) => found[1]) : [];
}

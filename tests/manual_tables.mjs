// The tables of errors of docs/troubleshooting.md, from those of the drivers:
// what a CRM refuses with, what becomes of the record, what a person can do.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const literal = /"((?:[^"\\]|\\.)*)"/g;
const unquote = (text) => [...text.matchAll(literal)].map(([, part]) => part).join('').replace(/\\(.)/g, '$1');

function definesOf(text) {
  const found = text.replace(/\\\n/g, ' ').matchAll(/^#define (\w+)\s+(".*")\s*$/gm);
  return new Map([...found].map(([, name, value]) => [name, unquote(value)]));
}

// The arguments of one row, cut at the commas that stand outside of quotes.
function cut(row) {
  return [...row.matchAll(/(?:"(?:[^"\\]|\\.)*"|[^",])+/g)].map(([part]) => part.trim());
}

const textOf = (part, defines) => {
  if (part.startsWith('"')) return unquote(part);
  return part === 'NULL' ? undefined : defines.get(part);
};

const becomes = {
  DEST_LATER: 'It is tried again by itself.',
  DEST_REJECTED: 'The record is held until you act.',
  DEST_WAITING: 'The record waits for its parent.',
  DEST_UNCERTAIN: 'It is repeated; nothing comes twice.',
  DEST_AUTH: 'A new access token is fetched.',
};

function fateOf(outcome, flags) {
  if (outcome === 'DEST_AUTH' && /PERMANENT/.test(flags)) return 'The connection stops until you act.';
  if (/DOUBTFUL/.test(flags)) return 'A few tries, then the record is held.';
  if (/GONE/.test(flags)) return 'Billhook looks for the record, then holds it.';
  return becomes[outcome];
}

// What the program fills in is italic.
const shown = (text) => text.replace(/\{(\w+)\}/g, '*$1*').replaceAll('|', '\\|');

function render(groups) {
  return [...groups].map(([title, rows]) => {
    const lines = [...new Map(rows.map((row) => [`${row.code} ${row.cause}`, row])).values()]
      .map(({ code, cause, fate, remedy }) => `| ${code} | ${shown(cause)} | ${fate} | ${shown(remedy)} |\n`);
    return `\n#### ${title}\n\n| Code | Cause | What becomes of it | What to do |\n|---|---|---|---|\n${lines.join('')}`;
  }).join('') + '\n';
}

function add(groups, title, row) {
  if (!groups.has(title)) groups.set(title, []);
  groups.get(title).push(row);
}

// A comment in front of rows is the title of their group: its first sentence.
const titleOf = (comment, system) => `${system}: ${comment.replace(/\s*\*\s*/g, ' ').trim().split(/[.:(]/)[0].trim()}`;

// {"CODE", "text", DEST_X, FLAGS, 0, "cause", "remedy"}
function salesforce(tree) {
  const text = readFileSync(join(tree, 'src/dest/salesforce_errors.c'), 'utf8');
  const defines = definesOf(text), groups = new Map();
  const table = text.slice(text.indexOf('rules[] = {'), text.indexOf('find_rule(const'));
  let title = '';
  for (const [, comment, row] of table.matchAll(/\/\*([^]*?)\*\/|\{((?:"(?:[^"\\]|\\.)*"|[^"{}])+)\}/g)) {
    if (comment !== undefined) {
      if (!/Reference|Apex governor/.test(comment)) title = titleOf(comment, 'Salesforce');
      continue;
    }
    const [code, text_, outcome, flags, , cause, remedy] = cut(row);
    const name = textOf(code, defines);
    const part = textOf(text_, defines);
    const head = [name && `\`${name}\``, part && `“${part}”`].filter(Boolean).join(' ');
    add(groups, title, { code: head || 'any other', cause: textOf(cause, defines), fate: fateOf(outcome, flags), remedy: textOf(remedy, defines) });
  }
  return render(groups);
}

// RULE(status, "CODE", "message", DEST_X, retry, FLAGS, "AS", "cause", "remedy")
function hubspot(tree) {
  const text = readFileSync(join(tree, 'src/dest/hubspot_rules.def'), 'utf8');
  const defines = definesOf(readFileSync(join(tree, 'src/dest/hubspot_fault.c'), 'utf8'));
  const groups = new Map();
  let title = '';
  for (const [, comment, row] of text.matchAll(/\/\*([^]*?)\*\/|^RULE\(((?:"(?:[^"\\]|\\.)*"|[^"()])+)\)/gm)) {
    if (comment !== undefined) {
      title = titleOf(comment, 'HubSpot');
      continue;
    }
    const [status, code, message, outcome, , flags, as, cause, remedy] = cut(row);
    const name = textOf(as, defines) ?? textOf(code, defines);
    const part = textOf(message, defines);
    const head = [name && `\`${name}\``, status !== '0' && `HTTP ${status}${status.length === 1 ? 'xx' : ''}`, part && `“${part}”`].filter(Boolean).join(' ');
    const fate = fateOf(outcome, flags.includes('COMMON') && outcome === 'DEST_AUTH' && name !== 'EXPIRED_AUTHENTICATION' ? 'PERMANENT' : flags);
    add(groups, title, { code: head || 'any other', cause: textOf(cause, defines), fate, remedy: textOf(remedy, defines) });
  }
  return render(groups);
}

// Rows of two or three: what the other side says, and what it means, or also what to do.
function plain(tree, file, begin, of) {
  const text = readFileSync(join(tree, file), 'utf8');
  const defines = definesOf(text);
  const table = text.slice(text.indexOf(begin), text.indexOf('};', text.indexOf(begin)));
  const rows = [...table.matchAll(/\{((?:"(?:[^"\\]|\\.)*"|[^"{}])+)\}/g)]
    .map(([, row]) => of(cut(row).map((part) => textOf(part, defines))));
  return [...new Set(rows)].map((cells) => `| ${cells.map(shown).join(' | ')} |\n`);
}

const head = (...titles) => `\n| ${titles.join(' | ')} |\n|${'---|'.repeat(titles.length)}\n`;

function logins(tree, file, of) {
  return `${head('They say', 'Billhook says')}${plain(tree, file, 'refusals[] = {', of).join('')}\n`;
}

function installs(tree) {
  const rows = plain(tree, 'src/dest/salesforce_meta.c', '} rules[] = {', ([code, cause, remedy]) => [`\`${code}\``, cause ?? 'The text beside it says why', remedy]);
  return `${head('Code', 'Cause', 'What to do')}${rows.join('')}\n`;
}

export const tables = (tree) => ({
  salesforce: salesforce(tree),
  hubspot: hubspot(tree),
  'salesforce-login': logins(tree, 'src/dest/salesforce_auth.c', ([word, part, , , meaning]) => [`\`${word}\`${part ? ` “${part}”` : ''}`, meaning]),
  'hubspot-login': logins(tree, 'src/dest/hubspot_auth.c', ([word, meaning]) => [`\`${word}\``, meaning]),
  'salesforce-install': installs(tree),
});

// What the manual says is what the program has.
//
//   node manual.mjs TREE [PROGRAM]        a line for each fault; status 1 when there was any
//   node manual.mjs TREE --tables         write the tables of docs/troubleshooting.md anew
//   node manual.mjs TREE --examples DIR   the configurations of docs/, a file each, for `billhook apply`
//
// In a file of docs/ that says "bold words are Billhook's" a **bold** word is what
// a page of Billhook says, exactly; *italic* is what the other side's page says.
// In docs/troubleshooting.md `code` in the first column of a table is a message;
// … stands for what differs.  A fence says what its JSON is: manual_examples.mjs.

import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { examplesOf, fencesOf } from './manual_examples.mjs';
import { tables } from './manual_tables.mjs';

const [, , tree, ...words] = process.argv;
const program = words.length > 0 && !words[0].startsWith('--') ? words[0] : undefined;
let faults = 0;

function complain(where, what) {
  console.log(`manual: ${where}: ${what}`);
  faults += 1;
}

const read = (path) => readFileSync(join(tree, path), 'utf8');

function filesBelow(folder, ending) {
  return readdirSync(join(tree, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && ending.test(entry.name))
    .map((entry) => relative(tree, join(entry.parentPath ?? entry.path, entry.name)))
    .sort();
}

const docs = filesBelow('docs', /\.md$/).map((path) => ({ path, text: read(path) }));
const front = ['README.md', 'HACKING.md', 'ARCHITECTURE.md', 'CHANGES.md'].map((path) => ({ path, text: read(path) }));
const troubleshooting = 'docs/troubleshooting.md';

// Without fenced blocks and what stands in backquotes: neither holds links or labels.
const prose = (text) => text.replace(/^```[^]*?^```$/gm, '').replace(/`[^`\n]*`/g, '');

// -- links --

// As GitHub makes the anchor of a heading.
const slug = (heading) => heading.trim().toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, '').replace(/\s/g, '-');

function anchorsOf(path) {
  const text = read(path).replace(/^```[^]*?^```$/gm, '');
  return new Set([...text.matchAll(/^#{1,6} (.*)$/gm)].map(([, heading]) => slug(heading)));
}

function checkLink(path, target) {
  if (/^https?:/.test(target)) {
    if (!URL.canParse(target)) complain(path, `no address: ${target}`);
    return;
  }
  const [file, anchor] = target.split('#');
  const there = file === '' ? path : relative(tree, resolve(tree, dirname(path), decodeURI(file)));
  if (there.startsWith('..') || !existsSync(join(tree, there))) complain(path, `dead link: ${target}`);
  else if (anchor !== undefined && (!there.endsWith('.md') || !anchorsOf(there).has(anchor))) complain(path, `dead anchor: ${target}`);
}

function checkLinks({ path, text }) {
  for (const [, target] of prose(text).matchAll(/\]\(([^)\s]+)\)/g)) checkLink(path, target);
}

// Each page of the manual is reached from its index.
function checkIndex() {
  const index = read('docs/README.md');
  for (const { path } of docs) {
    if (path !== 'docs/README.md' && !index.includes(`](${relative('docs', path)})`)) complain('docs/README.md', `no link to ${path}`);
  }
}

// -- what the program's pages and messages say --

const hole = '\u0001'; // stands for what the program fills in
const flat = (text) => text.replace(/\s+/g, ' ').trim();

// String literals of C; those that stand side by side are one.  What a format fills in is a hole.
function literalsOf(text) {
  const code = text.replace(/\/\*[^]*?\*\//g, ' ').replace(/PRI[a-zA-Z0-9]+/g, '" "');
  return [...code.matchAll(/"(?:[^"\\\n]|\\.)*"(?:\s*"(?:[^"\\\n]|\\.)*")*/g)].map(([run]) => [...run.matchAll(/"((?:[^"\\\n]|\\.)*)"/g)]
    .map(([, part]) => part).join('')
    .replace(/\\n/g, '\n').replace(/\\(.)/g, '$1')
    .replace(/%[-+ #0]*[\d*]*(?:\.[\d*]+)?(?:ll|l|z|j|h)?[a-zA-Z]/g, hole).replace(/%%/g, '%'));
}

// Pieces of text between the tags of a page; {{name}} is a hole.
function piecesOf(text) {
  const whole = text.replace(/\{\{[#^/>!][^}]*\}\}/g, '\n').replace(/\{\{[^}]*\}\}/g, hole);
  const lines = whole.split('\n').map((line) => line.replace(/<[^>]*>/g, ''));
  return [...whole.replace(/<[^>]*>/g, '\n').split('\n'), ...lines];
}

function textsOf(value) {
  if (typeof value === 'string') return [value];
  return value !== null && typeof value === 'object' ? Object.values(value).flatMap(textsOf) : [];
}

const literals = filesBelow('src', /\.(c|h|def)$/).flatMap((path) => literalsOf(read(path)));
const pieces = filesBelow('templates', /\.mustache$/).flatMap((path) => piecesOf(read(path)));
const presets = filesBelow('presets', /\.json$/).flatMap((path) => textsOf(JSON.parse(read(path))));

// Without what a label has only for looks: "Remove this sync …", "Events to receive (5 chosen)".
const bare = (label) => flat(label).replace(/ \(.*\)$/, '').replace(/[\s.:…]+$/, '');

// Labels as they stand, and, of those with a hole, as patterns.
function labelBook() {
  const plain = new Set(), patterns = [];
  for (const text of [...literals.flatMap((literal) => literal.split('\n')), ...pieces, ...presets].map(bare)) {
    if (!text.includes(hole)) plain.add(text);
    else if (text.replace(/\P{L}/gu, '').length >= 6) patterns.push(text);
  }
  const escape = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const any = new RegExp(`^(?:${[...new Set(patterns)].map((text) => text.split(hole).map(escape).join('.{1,60}')).join('|')})$`);
  return (label) => plain.has(label) || any.test(label);
}

function checkLabels() {
  const isLabel = labelBook();
  for (const { path, text } of docs.filter((one) => /\bbold words are\b/i.test(one.text))) {
    for (const [, label] of prose(text).matchAll(/\*\*([^*]+)\*\*/g)) {
      if (!isLabel(bare(label))) complain(path, `no page says "${flat(label)}"`);
    }
  }
}

// -- messages --

// Several fillings side by side are one "…".
const known = [...literals, ...pieces].map(flat).join('\n').replace(new RegExp(`${hole}+`, 'g'), '…');

function checkMessages() {
  const made = /<!-- table ([\w-]+) -->[^]*?<!-- end \1 -->/g;
  const text = docs.find(({ path }) => path === troubleshooting).text.replace(made, '');
  for (const [, row] of text.matchAll(/^\|(.*)\|$/gm)) {
    for (const [, message] of row.split('|')[0].matchAll(/`([^`]+)`/g)) {
      if (message.length < 6 || !known.includes(flat(message))) complain(troubleshooting, `the program never says "${message}"`);
    }
  }
}

// Refusals that a person meets: what these files say has an entry.
const told = /^src\/(source\/.*|sync\/configure.*|map\/(map|match|row|template|filter|shape)|auto\/rule|dest\/(salesforce|hubspot)_auth)\.c$/;

function checkRefusals() {
  const text = flat(read(troubleshooting)).replace(/…+/g, hole);
  for (const path of filesBelow('src', /\.c$/).filter((one) => told.test(one))) {
    const calls = read(path).matchAll(/bh_fail\(\s*err,\s*BH_\w+,\s*((?:"(?:[^"\\\n]|\\.)*"\s*)+)[,)]/g);
    for (const [, format] of calls) {
      const [message] = literalsOf(format);
      const said = flat(message).replace(new RegExp(`${hole}+`, 'g'), hole).replace(new RegExp(`[:, ${hole}]+$`), '');
      if (said.length >= 6 && !text.includes(said)) complain(troubleshooting, `${path} says "${said.replaceAll(hole, '…')}"`);
    }
  }
}

// A made table stands between its two marks.
function withTables(text) {
  return Object.entries(tables(tree)).reduce((so, [name, table]) => {
    const [begin, end] = [`<!-- table ${name} -->\n`, `<!-- end ${name} -->`];
    const from = so.indexOf(begin), to = so.indexOf(end);
    if (from < 0 || to < from) {
      complain(troubleshooting, `no place for the table ${name}`);
      return so;
    }
    return so.slice(0, from + begin.length) + table + so.slice(to);
  }, text);
}

function checkTables() {
  const text = read(troubleshooting);
  if (withTables(text) !== text) complain(troubleshooting, 'its tables are not those of the sources: run tests/manual.mjs TREE --tables');
}

// -- verbs, options, settings, pages --

const ask = (...args) => execFileSync(program, args, { encoding: 'utf8' });
const verbs = program ? ask('help', '--names').trim().split('\n') : [];
const usages = new Map(verbs.map((verb) => [verb, ask('help', verb)]));

// "billhook crm CODE plan": a verb that is there, options that it takes.
function checkCommand(path, command) {
  const [verb, ...rest] = command.split(/\s+/);
  if (verb === '' || verb.startsWith('-')) return;
  if (!usages.has(verb)) complain(path, `there is no verb ${verb}: billhook ${command}`);
  else {
    for (const [option] of rest.join(' ').matchAll(/--[a-z-]+/g)) {
      if (option !== '--dir' && !usages.get(verb).includes(option)) complain(path, `${verb} has no option ${option}`);
    }
  }
}

function checkCommands({ path, text }) {
  const lines = fencesOf(text).filter(({ language }) => language === 'sh').flatMap(({ body }) => body.split('\n'));
  const inline = [...text.replace(/^```[^]*?^```$/gm, '').matchAll(/`([^`]+)`/g)].map(([, code]) => code);
  const begins = /^(?:[A-Z_]+=\S+ |sudo (?:-u \S+ )?)*billhook ([a-z][^;&|#>)]*)/;
  for (const line of [...lines, ...inline]) {
    const found = begins.exec(flat(line));
    if (found) checkCommand(path, found[1].trim());
  }
}

function checkManCommands(path) {
  const lines = read(path).split('\n').filter((line) => /^\.(Ic|Ql|Dl) billhook /.test(line));
  for (const line of lines) {
    const plain = line.replace(/^\.(Ic|Ql|Dl) /, '').replace(/ (Ar|Ic|Cm|Fl) /g, ' ');
    for (const [, command] of plain.matchAll(/billhook ([a-z][^;|>]*)/g)) checkCommand(path, command.replace(/\s*[,.)]*$/, ''));
  }
}

// Each option of a verb has its word in the verb's entry of billhook(1).
function checkManOptions() {
  const page = read('man/billhook.1').split('\n.Sh CONFIGURATION')[0];
  const entries = page.split(new RegExp(`\\n(?=\\.It Cm (?:${verbs.join('|')})\\b)`));
  for (const [verb, usage] of usages) {
    const entry = entries.filter((one) => new RegExp(`^\\.It Cm ${verb}\\b`).test(one)).join('\n');
    for (const [, option] of usage.matchAll(/--([a-z-]+)/g)) {
      if (option !== 'dir' && !entry.includes(`Fl -${option}`)) complain('man/billhook.1', `${verb}: nothing tells of --${option}`);
    }
  }
}

const options = [...read('src/conf/options.def').matchAll(/^OPTION\((\w+),/gm)].map(([, name]) => name);

function checkOptions({ path, text }) {
  for (const { language, body } of fencesOf(text)) {
    if (language !== 'conf') continue;
    for (const [, name] of body.matchAll(/^#?(\w+) *=/gm)) {
      if (name !== 'data_dir' && !options.includes(name)) complain(path, `there is no option ${name}`);
    }
  }
}

function knownSettings() {
  const sources = ask('help', '--settings').trim().split('\n').map((line) => line.split('\t')[1]);
  const dests = ['salesforce', 'hubspot'].flatMap((name) => [...read(`src/dest/${name}.c`).matchAll(/^    \{"(\w+)",/gm)].map(([, setting]) => setting));
  const syncs = JSON.parse(read('presets/settings/sync.json')).settings.map(({ name }) => name);
  return { syncs, all: new Set([...sources, ...dests, ...syncs, 'catchup_s', 'fetch_per_s', 'events']) };
}

// A table whose first head is "Setting" names settings.
function checkSettings() {
  const { syncs, all } = knownSettings();
  const told = new Set();
  for (const { path, text } of docs) {
    for (const [, rows] of text.matchAll(/^\| Setting \|.*\n\|[-| ]*\n((?:\|.*\n)+)/gm)) {
      for (const row of rows.trim().split('\n')) {
        for (const [, name] of row.split('|')[1].matchAll(/`([^`]+)`/g)) {
          told.add(name);
          if (!all.has(name)) complain(path, `there is no setting ${name}`);
        }
      }
    }
  }
  for (const name of syncs) if (!told.has(name)) complain('docs', `no table tells of the sync's setting ${name}`);
}

const everything = docs.map(({ text }) => text).join('\n');

function checkCoverage() {
  for (const verb of verbs) if (!everything.includes(`billhook ${verb}`)) complain('docs', `nothing tells of billhook ${verb}`);
  const routes = [...read('src/web/routes.c').matchAll(/\{"GET", "([^"]+)"/g)].map(([, path]) => path);
  for (const route of routes.filter((path) => !/\.json$|^\/static/.test(path))) {
    if (!everything.includes(`\`${route}\``)) complain('docs', `nothing tells of the page ${route}`);
  }
}

// -- figures --

// A row "| … <!-- name --> | 12.34 |" of docs/revenue.md shows the case of that name of the tests.
function checkFigures() {
  const path = 'docs/revenue.md';
  const { vectors } = JSON.parse(read('tests/data/mrr/vectors.json'));
  const rows = [...read(path).matchAll(/^\|.*<!-- (.*) -->\s*\| ([\d.]+) \|$/gm)];
  if (rows.length === 0) complain(path, 'it shows no case of the tests');
  for (const [, name, figure] of rows) {
    const found = vectors.find((one) => one.name === name);
    if (found === undefined) complain(path, `the tests have no case ${name}`);
    else if ((found.expect.mrr_minor / 100).toFixed(2) !== figure) complain(path, `${name} is worth ${found.expect.mrr_minor}`);
  }
}

// -- JSON --

function checkJson({ path, text }) {
  for (const { language, body, line } of fencesOf(text)) {
    if (language !== 'json') continue;
    try {
      JSON.parse(body);
    } catch (error) {
      complain(`${path}:${line}`, `no JSON: ${error.message}`);
    }
  }
}

function checkAll() {
  for (const document of [...docs, ...front]) {
    checkLinks(document);
    checkJson(document);
    if (program) checkCommands(document);
  }
  docs.forEach(checkOptions);
  checkIndex();
  checkLabels();
  checkMessages();
  checkRefusals();
  checkTables();
  checkFigures();
  if (program) {
    filesBelow('man', /\.[1-9]$/).forEach(checkManCommands);
    checkManOptions();
    checkSettings();
    checkCoverage();
  }
}

if (words[0] === '--tables') writeFileSync(join(tree, troubleshooting), withTables(read(troubleshooting)));
else if (words[0] === '--examples') examplesOf(tree, docs, words[1]);
else checkAll();
process.exitCode = faults > 0 ? 1 : 0;

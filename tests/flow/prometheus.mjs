// Prometheus' text format 0.0.4, read strictly: what a lenient reader lets
// pass is a fault here.
//
//   node prometheus.mjs check FILE            "N samples of M names", or the first fault and status 1
//   node prometheus.mjs value FILE SAMPLE     the value of a sample as it stands there: name{label="value"}
//   node prometheus.mjs rules FILE RULES      every name that the YAML file RULES uses is one of FILE
//
// The rules: https://prometheus.io/docs/instrumenting/exposition_formats/ and
// /docs/practices/naming/.

import { readFileSync } from 'node:fs';

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const TYPES = new Set(['counter', 'gauge', 'histogram', 'summary', 'untyped']);

class Fault extends Error {}

function fail(number, text) {
  throw new Fault(`line ${number}: ${text}`);
}

// {a="b",c="d"} from at on: the labels and where the rest begins.
function readLabels(line, at, number) {
  const labels = [];
  let i = at + 1;
  while (line[i] !== '}') {
    const equals = line.indexOf('=', i);
    const name = line.slice(i, equals);
    if (equals < 0 || !/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name)) fail(number, `bad label name ${name}`);
    if (line[equals + 1] !== '"') fail(number, 'a label value without quotes');
    let value = '';
    for (i = equals + 2; line[i] !== '"'; i += 1) {
      if (i >= line.length) fail(number, 'an open label value');
      if (line[i] === '\\') {
        i += 1;
        if (!['\\', '"', 'n'].includes(line[i])) fail(number, `bad escape \\${line[i]}`);
      }
      value += line[i];
    }
    if (labels.some(([other]) => other === name)) fail(number, `label ${name} twice`);
    labels.push([name, value]);
    i += 1;
    if (line[i] === ',') i += 1;
    else if (line[i] !== '}') fail(number, 'labels are not separated by commas');
  }
  return { labels, rest: line.slice(i + 1) };
}

function readSample(line, number) {
  const name = /^[^{ ]*/.exec(line)[0];
  if (!NAME.test(name)) fail(number, `bad name ${name}`);
  const { labels, rest } = line[name.length] === '{' ? readLabels(line, name.length, number) : { labels: [], rest: line.slice(name.length) };
  if (!/^ (-?(\d+(\.\d+)?([eE][-+]?\d+)?)|[+-]Inf|NaN)$/.test(rest)) fail(number, `bad value "${rest}"`);
  return { name, labels, value: Number(rest.trim().replace('+Inf', 'Infinity')), text: line.slice(0, line.length - rest.length) };
}

const familyOf = (name, family) => name === family?.name || (family?.type === 'histogram' && ['_bucket', '_sum', '_count'].some((end) => name === family.name + end));

function checkName(family, number) {
  if (family.type === 'counter' && !family.name.endsWith('_total')) fail(number, `counter ${family.name} does not end in _total`);
  if (family.type === 'gauge' && family.name.endsWith('_total')) fail(number, `gauge ${family.name} ends in _total`);
}

function checkHistogram({ name, samples }) {
  const buckets = samples.filter((one) => one.name === `${name}_bucket`);
  const bounds = buckets.map((one) => Number(one.labels.find(([label]) => label === 'le')[1].replace('+Inf', 'Infinity')));
  const count = samples.find((one) => one.name === `${name}_count`);
  if (bounds.at(-1) !== Infinity) throw new Fault(`${name}: no bucket +Inf`);
  bounds.forEach((bound, i) => {
    if (i > 0 && !(bound > bounds[i - 1])) throw new Fault(`${name}: bounds do not rise`);
    if (i > 0 && buckets[i].value < buckets[i - 1].value) throw new Fault(`${name}: buckets do not add up`);
  });
  if (count?.value !== buckets.at(-1).value) throw new Fault(`${name}: _count is not the last bucket`);
  if (!samples.some((one) => one.name === `${name}_sum`)) throw new Fault(`${name}: no _sum`);
}

function parse(text) {
  if (!text.endsWith('\n') || text.endsWith('\n\n')) throw new Fault('the last line does not end with one newline');
  const families = new Map();
  const seen = new Set();
  let family;
  text.slice(0, -1).split('\n').forEach((line, index) => {
    const number = index + 1;
    const comment = /^# (HELP|TYPE) ([^ ]+) (.+)$/.exec(line);
    if (comment !== null) {
      const [, what, name, rest] = comment;
      if (!NAME.test(name)) fail(number, `bad name ${name}`);
      if (what === 'HELP') {
        if (families.has(name)) fail(number, `${name} has stood before`);
        if (/\\(?![\\n])/.test(rest)) fail(number, 'bad escape in HELP');
        families.set(name, { name, samples: [] });
        family = families.get(name);
      } else {
        if (family?.name !== name || family.type !== undefined || family.samples.length > 0) fail(number, `TYPE of ${name} does not follow its HELP`);
        if (!TYPES.has(rest)) fail(number, `there is no type ${rest}`);
        family.type = rest;
        checkName(family, number);
      }
      return;
    }
    if (line.startsWith('#') || line === '') fail(number, `"${line}" is neither a comment of use nor a sample`);
    const sample = readSample(line, number);
    if (!familyOf(sample.name, family) || family.type === undefined) fail(number, `${sample.name} stands below another name`);
    if (seen.has(sample.text)) fail(number, `${sample.text} stands twice`);
    if (family.type === 'counter' && !(sample.value >= 0)) fail(number, 'a counter below zero');
    seen.add(sample.text);
    family.samples.push(sample);
  });
  for (const one of families.values()) if (one.type === 'histogram') checkHistogram(one);
  return families;
}

function main([command, file, what]) {
  const families = parse(readFileSync(file, 'utf8'));
  const samples = [...families.values()].flatMap((one) => one.samples);
  if (command === 'check') {
    console.log(`${samples.length} samples of ${families.size} names`);
  } else if (command === 'value') {
    console.log(String(samples.find((one) => one.text === what)?.value ?? 'none'));
  } else {
    const used = new Set(readFileSync(what, 'utf8').split('\n').filter((line) => !line.trim().startsWith('#')).join('\n').match(/\bbillhook_[a-z_]+/g));
    const known = new Set([...families.keys(), ...samples.map((one) => one.name)]);
    const unknown = [...used].filter((name) => !known.has(name));
    console.log(unknown.length === 0 ? `${used.size > 0 ? 'all' : 'none'} known` : `unknown: ${unknown.join(' ')}`);
  }
}

try {
  main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof Fault)) throw error;
  console.log(error.message);
  process.exitCode = 1;
}

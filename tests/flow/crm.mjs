// The simulators' side of a test.
//
//   node crm.mjs see [--wait S] EXPRESSION [WANT]
//       prints the value of the JavaScript expression; with WANT (else: any
//       true value) asks again until it fits or S seconds are over: status 1
//   node crm.mjs cases [--wait S] {NAME EXPRESSION WANT}...
//       prints "ok - NAME" for each whose value comes to be WANT, else "not ok"
//   node crm.mjs get sf|hs CONTROL
//   node crm.mjs post sf|hs CONTROL JSON
//   node crm.mjs patch sf|hs CONTROL JSON
//   node crm.mjs delete sf|hs CONTROL
//   node crm.mjs witness
//       a case: HubSpot's own documents know all calls so far; each one that
//       they do not is a case that failed
//
// In an expression:
//   sf('Account', 'stripe:cus_1')    the record of that key, {} when there is none
//   sf('Account')                    all of them
//   sfEvents('X__e')                 the fields of the platform events of that name, in order
//   hs('companies', 'stripe:cus_1')  its properties, with id and links
//   hsEvents                         the custom events that HubSpot took, in order
//   ingest                           Salesforce's bulk jobs
//   sfCalls, hsCalls                 the calls that write or read records, in order
//   everyCall, hsEvery               all calls of Salesforce, of HubSpot, also those for tokens, limits, descriptions
//   sfWrites                         those of Salesforce that upsert, in order
//   sfTokens                         statuses of Salesforce's answers to requests for tokens, in order
//   sfMeta                           what Salesforce's metadata holds, see tests/crm/README.md
//   sfChanges                        {operation, type, fullName, status} of each component changed there, in order
//   status                           what `billhook status --json` says
//   lane(code), events(state)        of it; journal entries, from a dump
//   source, walk(name)               what `billhook source CODE --json` says; a walk of it
//   billCalls                        the calls that the billing simulator answered
//   mirror(kind, id)                 an object as Billhook holds it, {} when it does not
//   figures(kind, id)                what it works out itself
//   link(object, id)                 what is known of a CRM record: state, remote_id, how, code, cause, remedy;
//                                    {} when nothing is.  object: its name in the mapping
// Values that are no text are printed as JSON.  SF_URL, HS_URL, BILL_URL, BILL (the code
// of the source), BILLHOOK in the environment.

import { execFileSync, spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { readLinks, readMirror } from './mirror.mjs';

const BASE = { sf: process.env.SF_URL, hs: process.env.HS_URL, bill: process.env.BILL_URL };

async function control(which, method, path, body) {
  const answer = await fetch(`${BASE[which]}/_sim/${path}`, { method, body });
  const text = await answer.text();
  if (answer.status !== 200) throw new Error(`${which} ${method} ${path}: ${answer.status} ${text}`);
  return JSON.parse(text);
}

const values = (record) => Object.entries(record).filter(([name]) => /^(billhook|lago)_.*id(__c)?$/i.test(name)).map(([, value]) => value);

function finder(objects, view) {
  return (name, key) => {
    const all = (objects[name] ?? []).map(view);
    return key === undefined ? all : all.find((record) => values(record).includes(key)) ?? {};
  };
}

// Tokens and descriptions are no news about records.
const isWork = ({ path }) => !/oauth|describe|\/properties|event-definitions|account-info|limits/.test(path);

// A call of Salesforce's, with the records that it upserted; looking for records is a POST, too.
function written({ method, subrequests, records, ...call }) {
  const parts = subrequests.length > 0 ? subrequests : [{ method, records }];
  return { ...call, records: parts.filter((part) => part.method === 'PATCH').reduce((sum, part) => sum + part.records, 0) };
}

function billhookStatus() {
  const { stdout } = spawnSync(process.env.BILLHOOK, ['status', '--json'], { encoding: 'utf8' });
  return JSON.parse(stdout);
}

function sourceState() {
  const { stdout } = spawnSync(process.env.BILLHOOK, ['source', process.env.BILL, '--json'], { encoding: 'utf8' });
  return JSON.parse(stdout);
}

const SOURCES = {
  sf: async () => finder((await control('sf', 'GET', 'state')).objects, (record) => record),
  sfEvents: async () => {
    const { events } = await control('sf', 'GET', 'events');
    return (name) => events.filter(({ object }) => object === name).map(({ fields }) => fields);
  },
  hs: async () => finder((await control('hs', 'GET', 'state')).objects, ({ id, properties, associations }) => ({ ...properties, id, links: associations })),
  hsEvents: async () => (await control('hs', 'GET', 'events')).sent,
  ingest: async () => (await control('sf', 'GET', 'ingest')).jobs,
  everyCall: async () => control('sf', 'GET', 'calls'),
  sfCalls: async () => (await control('sf', 'GET', 'calls')).filter(isWork),
  sfWrites: async () => (await control('sf', 'GET', 'calls')).map(written).filter(({ records }) => records > 0),
  sfTokens: async () => (await control('sf', 'GET', 'calls')).filter(({ path }) => path === '/services/oauth2/token').map(({ status }) => status),
  sfMeta: async () => control('sf', 'GET', 'metadata'),
  sfChanges: async () => (await control('sf', 'GET', 'calls')).flatMap(({ subrequests }) => subrequests)
    .filter(({ operation = 'readMetadata' }) => operation !== 'readMetadata'),
  hsCalls: async () => (await control('hs', 'GET', 'calls')).filter(isWork),
  hsEvery: async () => control('hs', 'GET', 'calls'),
  status: async () => billhookStatus(),
  lane: async () => {
    const { lanes } = billhookStatus();
    return (code) => lanes.find((lane) => lane.code === code) ?? {};
  },
  source: async () => sourceState(),
  walk: async () => {
    const { walks } = sourceState();
    return (name) => walks.find(({ walk }) => walk === name) ?? {};
  },
  billCalls: async () => control('bill', 'GET', 'calls'),
  mirror: async () => {
    const { object } = readMirror(process.env.BILL);
    return (kind, id) => object(kind, id)?.fields ?? {};
  },
  figures: async () => {
    const { figures } = readMirror(process.env.BILL);
    return (kind, id) => figures(kind, id) ?? {};
  },
  link: async () => {
    const links = readLinks();
    return (object, id) => links.get(`${object} ${id}`) ?? {};
  },
  dump: async () => execFileSync(process.env.BILLHOOK, ['dump'], { encoding: 'utf8', maxBuffer: 1 << 28 }),
};

// Values of all expressions, at one time.
async function evaluate(expressions) {
  const names = Object.keys(SOURCES).filter((name) => expressions.some((text) => new RegExp(`\\b${name}\\b`).test(text)));
  const found = await Promise.all(names.map((name) => SOURCES[name]()));
  return expressions.map((text) => {
    try {
      return new Function(...names, `return (${text});`)(...found);
    } catch (error) {
      return `(${error.message})`;
    }
  });
}

const shown = (value) => (typeof value === 'string' ? value : String(JSON.stringify(value)));

const pause = () => new Promise((done) => setTimeout(done, 30));

function parse(words) {
  return parseArgs({ args: words, allowPositionals: true, options: { wait: { type: 'string', default: '0' } } });
}

async function see(words) {
  const { values: options, positionals: [expression, want] } = parse(words);
  const end = Date.now() + Number(options.wait) * 1000;
  for (;;) {
    const [value] = await evaluate([expression]);
    const fits = want === undefined ? Boolean(value) && !shown(value).startsWith('(') : shown(value) === want;
    if (fits || Date.now() >= end) {
      console.log(shown(value));
      return fits ? 0 : 1;
    }
    await pause();
  }
}

async function cases(words) {
  const { values: options, positionals } = parse(words);
  let open = [];
  for (let i = 0; i < positionals.length; i += 3) open.push(positionals.slice(i, i + 3));
  const end = Date.now() + Number(options.wait) * 1000;
  for (;;) {
    const values = (await evaluate(open.map(([, text]) => text))).map(shown);
    open.forEach(([name, , want], i) => values[i] === want && console.log(`ok - ${name}`));
    const left = open.filter(([, , want], i) => values[i] !== want);
    if (left.length > 0 && Date.now() >= end) {
      open.forEach(([name, text, want], i) => values[i] !== want && console.log(`not ok - ${name}\n#   ${text}\n#   got:  ${values[i]}\n#   want: ${want}`));
      return 1;
    }
    open = left;
    if (open.length === 0) return 0;
    await pause();
  }
}

async function witness() {
  const { calls, notes } = await control('hs', 'GET', 'witness');
  if (calls !== null && notes.length === 0) console.log(`ok - HubSpot's documents know all ${calls} calls`);
  else for (const note of notes ?? ['nobody looks on']) console.log(`not ok - HubSpot's documents: ${note}`);
  return calls === null || notes.length > 0 ? 1 : 0;
}

const [verb, ...words] = process.argv.slice(2);
if (verb === 'see') {
  process.exitCode = await see(words);
} else if (verb === 'cases') {
  process.exitCode = await cases(words);
} else if (verb === 'witness') {
  process.exitCode = await witness();
} else {
  const [which, path, body] = words;
  console.log(JSON.stringify(await control(which, verb.toUpperCase(), path, body)));
}

// Every page, every parameter and every form of the site.
//
//   node all-pages.mjs URL ROUTES     below which the site answers; routes.c
//
// The store is full of the texts of hostile.mjs.  For the rest see chromium.mjs.
// Prints "ok - case" or "not ok - case" for each case.

import { attempt, axe, expect, inBrowser, open, report, signIn, snap, url } from './chromium.mjs';
import { EVIL, EVIL_URL } from './hostile.mjs';
import { enter, formsOf, linksOf, routeOf, routesOf } from './site.mjs';

const { FLOW_STRIPE_SECRET, FLOW_LAGO_SECRET, FLOW_SF_SECRET, FLOW_HS_TOKEN, FLOW_KEY, FLOW_MAIL, BILLHOOK_PASSWORD } = process.env;
const SECRETS = [FLOW_STRIPE_SECRET, FLOW_LAGO_SECRET, FLOW_SF_SECRET, FLOW_HS_TOKEN, FLOW_KEY, FLOW_MAIL, BILLHOOK_PASSWORD, 'slack-flow-secret'];
const gets = routesOf(process.argv[3], 'GET'), posts = routesOf(process.argv[3], 'POST');
const encoded = encodeURIComponent(EVIL);
// What no link leads to, and what hostile ids lead to.
const SEEDS = ['/', '/status.json', '/healthz', '/setup', '/login', '/oauth/callback?state=x&error=access_denied', '/static/style.css', '/static/billhook.js',
  '/syncs/status.json', '/connections/read/status.json', '/connections/salesforce/status.json', '/syncs/stripe-sf/status.json', '/syncs/stripe-sf/preview/status.json',
  '/syncs/stripe-sf/audit/status.json', '/syncs/stripe-sf/undo', '/syncs/stripe-sf/undo/status.json', '/syncs/stripe-sf/audit.csv', '/syncs/stripe-hs/mapping/status.json', '/automations/growth/status.json', '/revenue/status.json', '/syncs/new?from=stripe&to=sandbox',
  '/customers/stripe?id=cus_page', `/customers/stripe?id=cus_${encoded}`, `/records/box/customer?id=cus_${encoded}`, '/records/stripe-sf/account?id=cus_page',
  '/records/stripe-hs/customer?id=cus_page', '/syncs/stripe-sf/preview?kind=customer&id=cus_page', '/syncs/stripe-hs/mapping/customer?edit=row-0&sample=cus_page',
  '/activity?state=failed', '/activity/status.json', '/alerts/new/slack', '/alerts/new/mail', '/settings/users/vic',
  '/settings/backup/status.json', '/settings/person/status.json', '/metrics'];
// These answer otherwise than 200 to who is signed in.
const STATUS = { '/oauth/callback': 400, '/metrics': 404 }; // no login was begun, no token made
const KIND_MAX = 20, BROWSERS = 2; // links followed of a kind; at work at a time
const PARAMETERS = ['account', 'after', 'asked', 'before', 'code', 'connection', 'created', 'currency', 'done', 'draft', 'edit', 'error', 'error_description', 'field', 'from',
  'given', 'gone', 'id', 'kind', 'leaving', 'left', 'linked', 'months', 'mrr', 'n', 'next', 'object', 'q', 'removed', 'replayed', 'sample', 'saved', 'since', 'started', 'state', 'sync',
  'to', 'type', 'until', 'verdict'];

// All that act finds about the items, a few of which are worked on at a time.
async function atOnce(items, act, parallel = 4) {
  const queue = [...items], faults = [];
  await Promise.all(Array.from({ length: parallel }, async () => {
    while (queue.length > 0) faults.push(...await act(queue.shift()));
  }));
  return faults;
}

// What would end this session, needs none, is asked by script, or stands only where something is paused.
const FORMLESS = ['/logout', '/login', '/setup', '/settings/sessions', '/syncs/:sync/resume',
  '/syncs/:sync/mapping/:object/try.json', '/hook/:connection'];

// -- what is wrong with an answer --

function faultsOfBody({ body, type, headers }) {
  const faults = SECRETS.filter((one) => body.includes(one)).map((one) => `it tells the secret ${one.slice(0, 6)}...`);
  if (!/^text\/html/.test(type)) return headers.get('x-content-type-options') === 'nosniff' ? faults : [...faults, 'a browser may guess its type'];
  for (const bad of [/<bh-evil/, /\s(?:href|src|action)="\s*javascript:/i, /<script(?![^>]*\ssrc="[^"]*\/static\/)/, /<[a-z][^>]*\s(?:on[a-z]+|style)="/]) {
    const at = body.search(bad);
    if (at >= 0) faults.push(`markup made of data: ${body.slice(Math.max(0, at - 80), at + 120)}`);
  }
  return faults;
}

function faultsOfHeaders({ headers, type }) {
  if (!/^text\/html/.test(type)) return [];
  const policy = headers.get('content-security-policy') ?? '';
  const isGood = /default-src 'none'|default-src 'self'/.test(policy) && !/unsafe-|\*/.test(policy) && /frame-ancestors 'none'/.test(policy) && /form-action/.test(policy)
    && headers.get('x-content-type-options') === 'nosniff' && headers.get('cache-control') === 'no-store';
  return isGood ? [] : [`headers: ${JSON.stringify([...headers])}`];
}

// -- every link --

// The route and the names of the parameters.
const kindOf = (path) => `${routeOf(gets, path)} ${[...new URL(path, url).searchParams.keys()].sort().join()}`;

async function follow(site) {
  const found = new Map(), queue = [...SEEDS], faults = [];
  const seen = new Set(queue), kinds = new Map();
  while (queue.length > 0) {
    const path = queue.shift(), answer = await site.get(path), route = routeOf(gets, path);
    found.set(path, answer);
    const wrong = [...faultsOfBody(answer), ...faultsOfHeaders(answer)];
    if (answer.status !== (STATUS[route] ?? 200)) wrong.push(`status ${answer.status}`);
    faults.push(...wrong.map((one) => `${path.replaceAll(encoded, '(evil)')}: ${one}`));
    if (/^text\/html/.test(answer.type))
      for (const link of linksOf(url, answer)) {
        const kind = kindOf(link), n = kinds.get(kind) ?? 0;
        if (!seen.has(link) && n < KIND_MAX) {
          seen.add(link);
          kinds.set(kind, n + 1);
          queue.push(link);
        }
      }
  }
  report(`each of ${found.size} links leads to a page, without secrets and without markup made of data`, faults.length === 0, faults.join('\n'));
  console.log(`# ${gets.map((pattern) => `${pattern} ${[...found.keys()].filter((path) => routeOf(gets, path) === pattern).length}`).join(', ')}`);
  const missing = gets.filter((pattern) => ![...found.keys()].some((path) => routeOf(gets, path) === pattern));
  report(`all ${gets.length} routes are among them`, missing.length === 0, missing.join('\n'));
  const shown = [...found.values()].filter(({ body }) => body.includes('&lt;bh-evil'));
  report(`hostile texts are shown on many of them: ${shown.length}`, shown.length > 40, shown.map(({ path }) => path).join('\n'));
  return found;
}

// -- in Chromium --

// Boxes and texts that end outside the window, but for those that scroll inside.
function outside() {
  const isScrolled = (node) => {
    for (let up = node.parentElement; up !== null && up !== document.body; up = up.parentElement)
      if (['auto', 'scroll', 'hidden'].includes(getComputedStyle(up).overflowX)) return true;
    return false;
  };
  const isOut = ({ right, width, height }) => width > 1 && height > 1 && right > window.innerWidth + 1;
  const faults = document.documentElement.scrollWidth > window.innerWidth ? [`the page is ${document.documentElement.scrollWidth} wide, not ${window.innerWidth}`] : [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT), range = document.createRange();
  for (let node = walker.nextNode(); node !== null && faults.length < 4; node = walker.nextNode()) {
    range.selectNode(node);
    const box = node.nodeType === Node.TEXT_NODE ? range : node;
    if (isOut(box.getBoundingClientRect()) && !isScrolled(node)) faults.push(`stands out to the right: ${(node.outerHTML ?? node.textContent).slice(0, 160)}`);
  }
  return faults;
}

const evilMade = () => document.querySelector('bh-evil, img, script:not([src])') !== null || [...document.querySelectorAll('[href], [src], [action]')]
  .some((node) => ['href', 'src', 'action'].some((name) => /^\s*javascript:/i.test(node.getAttribute(name) ?? ''))) || window.hacked !== undefined;

// The second scheme at the same width differs in colours alone.
const LOOKS = [[1280, 'light'], [1280, 'dark', ['color-contrast']], [390, 'dark'], [390, 'light', ['color-contrast']], [360, 'light', []]];

async function faultsInLook(page, [width, colorScheme, rules], hasScript) {
  await page.setViewportSize({ width, height: 900 });
  await page.emulateMedia({ colorScheme });
  const faults = await page.evaluate(outside);
  if (rules === undefined) await snap(page, `all${new URL(page.url()).pathname.replace(/\W+/g, '-')} ${width} ${colorScheme}`);
  if (hasScript && rules?.length !== 0) faults.push(...await axe(page, rules));
  return faults.map((one) => `${width} ${colorScheme}: ${one}`);
}

async function faultsOfPage(page, path, hasScript) {
  const answer = await page.goto(`${url}${path}`);
  await page.evaluate(() => document.querySelectorAll('details').forEach((one) => { one.open = true; }));
  const faults = await page.evaluate(evilMade) ? ['markup is made of data, or a script ran'] : [];
  if (answer.status() >= 500) faults.push(`status ${answer.status()}`);
  for (const one of LOOKS) faults.push(...await faultsInLook(page, one, hasScript));
  return faults;
}

async function lookAtAll(browser, paths, hasScript) {
  const queue = [...paths], way = hasScript ? 'script on' : 'script off';
  await Promise.all(Array.from({ length: BROWSERS }, async () => {
    const { context, page } = await open(browser, { javaScriptEnabled: hasScript });
    // What runs meanwhile would change the page under the eyes of axe; the flows about running work see it.
    await context.route('**/status.json', (route) => route.fulfill({ json: {} }));
    await signIn(page);
    while (queue.length > 0) {
      const path = queue.shift(), faults = await faultsOfPage(page, path, hasScript);
      report(`${way}: ${path.replaceAll(encoded, '(evil)').slice(0, 90)}`, faults.length === 0, faults.join('\n'));
    }
    await context.close();
  }));
}

// Some pages of each route, those with hostile texts first; connections differ by their kind.
function chosen(found, n) {
  const of = new Map(gets.map((pattern) => [pattern, []]));
  for (const [path, { type }] of found) if (/^text\/html/.test(type)) of.get(routeOf(gets, path)).push(path);
  const evil = (path) => Number(found.get(path).body.includes('&lt;bh-evil'));
  return [...of].flatMap(([pattern, paths]) => paths.sort((a, b) => evil(b) - evil(a)).slice(0, /^\/connections\/.*:/.test(pattern) ? 4 * n : n));
}

// -- parameters and forms --

async function faultsOfTry(site, pattern, path, values) {
  const to = new URL(path, url);
  for (const [name, value] of values) to.searchParams.set(name, value);
  const said = await site.get(to.pathname + to.search), wrong = faultsOfBody(said);
  if (said.status >= 500) wrong.push(`status ${said.status}`);
  if (said.headers.get('location')?.startsWith('/') === false) wrong.push(`leads to ${said.headers.get('location')}`);
  return wrong.map((one) => `${pattern} ${values.map(([name]) => name).join()}: ${one}`);
}

async function tryParameters(site, found) {
  const tries = [];
  for (const pattern of gets) {
    const [path, answer] = [...found].find(([one]) => routeOf(gets, one) === pattern) ?? [];
    if (path === undefined) continue; // that is a case of its own
    const names = new Set([...PARAMETERS, ...formsOf(url, answer).filter(({ method }) => method === 'GET').flatMap(({ fields }) => fields.map(({ name }) => name))]);
    for (const name of names) tries.push([pattern, path, [[name, EVIL]]]);
    tries.push([pattern, path, [...names].map((name) => [name, `${EVIL_URL}//`])]);
  }
  const faults = await atOnce(tries, (one) => faultsOfTry(site, ...one));
  report(`no parameter of any route comes back as markup, in ${tries.length} tries`, faults.length === 0, faults.join('\n'));
}

async function tryField(site, form, field) {
  const fields = Object.fromEntries(form.fields.map(({ name, value }) => [name, name === field.name ? EVIL : value]));
  const said = await site.post(form.path, fields), wrong = faultsOfBody(said);
  if (said.status >= 500) wrong.push(`status ${said.status}`);
  if (said.status === 403) wrong.push('it was not let in');
  if (said.headers.get('location')?.startsWith('/') === false) wrong.push(`leads to ${said.headers.get('location')}`);
  return wrong.map((one) => `POST ${form.path} ${field.name}: ${one}`);
}

async function tryForms(site, found) {
  const done = new Set(), faults = [], routes = new Set();
  let n = 0;
  for (const answer of found.values())
    for (const form of formsOf(url, answer)) {
      const free = form.fields.filter(({ name }) => name !== 'token'), route = routeOf(posts, form.path);
      const kind = `${route} ${free.map(({ name }) => name).join()}`;
      if (form.method !== 'POST' || done.has(kind) || FORMLESS.includes(route)) continue;
      done.add(kind);
      routes.add(route);
      for (const field of free) {
        faults.push(...await tryField(site, form, field));
        n++;
      }
    }
  report(`no field of ${done.size} forms comes back as markup, in ${n} tries`, faults.length === 0, faults.join('\n'));
  const untried = posts.filter((one) => !routes.has(one) && !FORMLESS.includes(one));
  report('each route that takes a form has one on some page', untried.length === 0, untried.join('\n'));
}

async function storedByForms(site, found) {
  const faults = await atOnce(found.keys(), async (path) => faultsOfBody(await site.get(path)).map((one) => `${path}: ${one}`));
  report('nor is it markup where it was stored', faults.length === 0, faults.join('\n'));
}

// Somebody hostile is found, so that the pages about one person have something to show.
async function findPerson(site) {
  const [{ fields }] = formsOf(url, await site.get('/settings/person')).filter(({ path }) => path.endsWith('/look'));
  await site.post('/settings/person/look', { token: fields.find(({ name }) => name === 'token').value, who: `cus_${EVIL}` });
  for (let turn = 0; turn < 150 && !(await site.get('/settings/person')).body.includes('this is kept'); turn++)
    await new Promise((resolve) => { setTimeout(resolve, 200); });
}

await inBrowser(async (browser) => {
  const site = await enter(url, 'admin', BILLHOOK_PASSWORD);
  await findPerson(site);
  const found = await follow(site);
  await attempt('cookies are for HTTP and this site alone', async () => {
    const { context, page } = await open(browser, {});
    await signIn(page);
    const cookies = await context.cookies();
    expect(cookies.length > 0 && cookies.every(({ httpOnly, sameSite }) => httpOnly && ['Lax', 'Strict'].includes(sameSite)), JSON.stringify(cookies));
    await context.close();
  });
  await lookAtAll(browser, chosen(found, 1), true);
  await lookAtAll(browser, chosen(found, 1), false);
  await tryParameters(site, found);
  await tryForms(site, found);
  await storedByForms(site, found);
});

// Small things of the web for the scripts.
//
//   node web.mjs port           a free port on 127.0.0.1
//   node web.mjs get URL        prints status, headers in lower case, an empty line, the body
//   node web.mjs page URL PATH  the same, of a page of the site at URL, logged in as admin
//   node web.mjs raw PORT|SOCKET   sends standard input as it is, prints what comes back
//   node web.mjs pages NAME URL BASE [N]
//       goes through the pages below URL, whose path is BASE, and prints
//       "ok - NAME: case" or "not ok - NAME: case" for each case; N: records
//       that each CRM has
//   node web.mjs wire NAME URL BASE SERVER
//       the same of what a web server may change on the way: bodies, headers, methods

import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect, createServer } from 'node:net';
import { Browser } from './browser.mjs';

function freePort() {
  const server = createServer();
  server.listen(0, '127.0.0.1', () => {
    console.log(server.address().port);
    server.close();
  });
}

function show({ status, headers, body }) {
  const lines = Object.entries(headers).flatMap(([name, value]) => [value].flat().map((one) => `${name}: ${one}`));
  process.stdout.write([`${status}`, ...lines, '', body].join('\n'));
}

function raw(where) {
  const place = where.startsWith('/') ? { path: where } : { port: Number(where), host: '127.0.0.1' };
  const socket = connect(place, () => socket.end(readFileSync(0)));
  socket.setTimeout(10000, () => socket.destroy());
  socket.pipe(process.stdout);
  socket.on('error', (error) => console.log(error.message));
}

async function page(url, path) {
  const browser = new Browser();
  await browser.login(`${url}/login`, 'admin', process.env.BILLHOOK_PASSWORD);
  show(await browser.get(`${url}${path}`));
}

function reporter(name) {
  return (what, isGood, answer) => {
    console.log(`${isGood ? 'ok' : 'not ok'} - ${name}: ${what}`);
    if (!isGood) console.log(`#   ${JSON.stringify({ ...answer, body: answer.body.slice(0, 600) })}`);
  };
}

async function pages(name, url, base, records = '6') {
  const browser = new Browser();
  const { origin } = new URL(url);
  const isHere = (answer, path) => [301, 302, 303].includes(answer.status) && new URL(answer.headers.location, url).href === `${origin}${base}${path}`;
  const report = reporter(name);
  let page = await browser.get(`${url}/`);
  report('home leads to the login page', isHere(page, '/login'), page);
  page = await browser.login(`${url}/login`, 'admin', 'wrong password');
  report('a wrong password is refused', page.status === 403, page);
  page = await browser.login(`${url}/login`, 'admin', process.env.BILLHOOK_PASSWORD);
  report('the right one leads home', isHere(page, '/'), page);
  const cookies = [page.headers['set-cookie']].flat().filter(Boolean);
  report('with a cookie for this path and no script',
    cookies.some((line) => new RegExp(`; *Path=${base}/?;`, 'i').test(line) && /HttpOnly/i.test(line) && /SameSite=/i.test(line)), page);
  page = await browser.get(`${url}/`);
  report('home shows the lanes and their counts', /<th scope="row"><a [^>]*>Salesforce/.test(page.body) && page.body.includes(`data-live="lane.salesforce.in_step">${records}<`), page);
  const links = [...page.body.matchAll(/<a [^>]*href="([^"]+)"/g)].map(([, to]) => to);
  report('its links stay below this path', links.length > 8 && links.every((to) => to.startsWith('#') || to.startsWith(`${base}/`)), page);
  const style = new RegExp(`href="(${base}/static/style.css[^"]*)"`).exec(page.body)?.[1] ?? '/none';
  page = await browser.get(`${origin}${style}`);
  report('the style sheet is where the page says, to be cached', page.status === 200 && /^text\/css/.test(page.headers['content-type'])
    && /max-age=/.test(page.headers['cache-control']), page);
  page = await browser.get(`${url}/status.json`);
  report('the live numbers', page.status === 200 && JSON.parse(page.body)['lane.hubspot.in_step'] === records, page);
  page = await browser.get(`${url}/connections/stripe`);
  report('the address for webhooks is the one that we use', page.body.includes(`${url}/hook/stripe`), page);
  page = await browser.get(`${url}/connections/new/salesforce`);
  report('so is the one that a CRM sends people back to', page.body.includes(`${url}/oauth/callback`), page);
  page = await browser.post(`${url}/logout`, {});
  report('a form without its token is refused', page.status === 403, page);
  for (const [path, status] of [['/nothing', 404], ['/static/nothing', 404], ['/hook/stripe', 405]]) {
    page = await browser.get(`${url}${path}`);
    report(`GET ${path} is ${status}`, page.status === status, page);
  }
  page = await browser.get(`${url}/nothing`);
  report('a page that is none leads back', page.body.includes(`href="${base}/"`), page);
  const home = await browser.get(`${url}/`);
  page = await browser.post(`${url}/logout`, { token: /name="token" value="([^"]+)"/.exec(home.body)?.[1] });
  report('logging out leads to the login page', isHere(page, '/login'), page);
  page = await browser.get(`${url}/`);
  report('and ends the session', isHere(page, '/login'), page);
}

/* One request as it is; pieces: parts of a body that is sent in chunks, without a length. */
function plain(method, url, headers, pieces, isChunked) {
  return new Promise((done) => {
    const body = Buffer.concat(pieces.map((piece) => Buffer.from(piece)));
    const length = isChunked || method === 'HEAD' ? {} : { 'Content-Length': body.length };
    const req = request(url, { method, headers: { Connection: 'close', ...headers, ...length } }, (res) => {
      const chunks = [];
      res.on('data', (chunk) => chunks.push(chunk));
      res.on('end', () => done({ status: res.statusCode, headers: res.headers, body: Buffer.concat(chunks).toString() }));
    });
    req.on('error', (error) => done({ status: 0, headers: {}, body: error.message }));
    if (method !== 'HEAD') for (const piece of pieces) req.write(piece);
    req.end();
  });
}

/* An event of a type that nobody handles, of that size, signed. */
function bigEvent(id, size) {
  const head = `{"id":"evt_${id}","object":"event","type":"example.padded","created":${Math.floor(Date.now() / 1000)},"livemode":true,"data":{"object":{"id":"x"}},"pad":"`;
  const body = `${head}${'x'.repeat(size - head.length - 2)}"}`;
  const t = Math.floor(Date.now() / 1000);
  const v1 = createHmac('sha256', process.env.FLOW_STRIPE_SECRET).update(`${t}.${body}`).digest('hex');
  return { body, headers: { 'Content-Type': 'application/json', 'Stripe-Signature': `t=${t},v1=${v1}` } };
}

// mod_fcgid refuses bodies of more than 128 KiB unless the host's own configuration says otherwise.
const LIMITED = { 'htaccess-fcgid': 131072 };

async function wire(name, url, base, server) {
  const report = reporter(name);
  const accepted = (answer) => answer.status === 200 && JSON.parse(answer.body).status === 'accepted';
  let answer = await plain('HEAD', `${url}/login`, {}, []);
  report('HEAD brings the head alone', answer.status === 200 && answer.body === '' && /^text\/html/.test(answer.headers['content-type']), answer);
  for (const size of [70000, 200000, 900000]) {
    const { body, headers } = bigEvent(`${name}_${size}`, size);
    answer = await plain('POST', `${url}/hook/stripe`, headers, [body]);
    if (size > (LIMITED[server] ?? Infinity)) report(`${size} bytes are refused by the host, so that they are sent again`, answer.status === 500 || answer.status === 413, answer);
    else report(`${size} bytes are accepted`, accepted(answer), answer);
  }
  for (const size of [3000, 100000]) {
    const { body, headers } = bigEvent(`${name}_chunked_${size}`, size);
    answer = await plain('POST', `${url}/hook/stripe`, headers, [body.slice(0, 1000), body.slice(1000)], true);
    report(`${size} bytes without a length are accepted`, accepted(answer), answer);
  }
  answer = await plain('POST', `${url}/hook/stripe`, { 'Content-Type': 'application/json' }, ['x'.repeat(1200000)]);
  report('more than body_max is refused', [413, 500].includes(answer.status), answer);
  const basic = (pair) => ({ 'Content-Type': 'application/json', Authorization: `Basic ${Buffer.from(pair).toString('base64')}` });
  const event = JSON.stringify({ id: `e-${name}`, customer: { id: 'c-1', name: 'By password' } });
  answer = await plain('POST', `${url}/hook/basic`, basic(process.env.FLOW_BASIC), [event]);
  report('the Authorization header arrives', accepted(answer), answer);
  answer = await plain('POST', `${url}/hook/basic`, basic('sender:guessed'), [event]);
  report('a wrong one is refused', answer.status === 400 || answer.status === 401, answer);
  answer = await plain('GET', `${url}//login`, {}, []);
  report('an odd path harms nobody', answer.status < 500, answer);
}

const [verb, ...words] = process.argv.slice(2);
switch (verb) {
case 'port': freePort(); break;
case 'get': show(await new Browser().get(words[0])); break;
case 'page': await page(...words); break;
case 'raw': raw(words[0]); break;
case 'pages': await pages(...words); break;
case 'wire': await wire(...words); break;
default: throw new Error(`there is no ${verb}`);
}

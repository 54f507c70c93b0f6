// Small things of the web for the scripts.
//
//   node web.mjs port           a free port on 127.0.0.1
//   node web.mjs get URL        prints status, headers in lower case, an empty line, the body
//   node web.mjs page URL PATH  the same, of a page of the site at URL, logged in as admin
//   node web.mjs raw PORT|SOCKET   sends standard input as it is, prints what comes back
//   node web.mjs pages NAME URL BASE
//       goes through the pages below URL, whose path is BASE, and prints
//       "ok - NAME: case" or "not ok - NAME: case" for each case

import { readFileSync } from 'node:fs';
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

async function pages(name, url, base) {
  const browser = new Browser();
  const { origin } = new URL(url);
  const isHere = (answer, path) => [301, 302, 303].includes(answer.status) && new URL(answer.headers.location, url).href === `${origin}${base}${path}`;
  const report = (what, isGood, answer) => {
    console.log(`${isGood ? 'ok' : 'not ok'} - ${name}: ${what}`);
    if (!isGood) console.log(`#   ${JSON.stringify({ ...answer, body: answer.body.slice(0, 600) })}`);
  };
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
  report('home shows the lanes and their counts', /<th scope="row"><a [^>]*>Salesforce/.test(page.body) && /data-live="lane.salesforce.in_step">6</.test(page.body), page);
  const style = new RegExp(`href="(${base}/static/style.css[^"]*)"`).exec(page.body)?.[1] ?? '/none';
  page = await browser.get(`${origin}${style}`);
  report('the style sheet is where the page says, to be cached', page.status === 200 && /^text\/css/.test(page.headers['content-type'])
    && /max-age=/.test(page.headers['cache-control']), page);
  page = await browser.get(`${url}/status.json`);
  report('the live numbers', page.status === 200 && JSON.parse(page.body)['lane.hubspot.in_step'] === '6', page);
  page = await browser.post(`${url}/logout`, {});
  report('a form without its token is refused', page.status === 403, page);
  for (const [path, status] of [['/nothing', 404], ['/static/nothing', 404], ['/hook/stripe', 405]]) {
    page = await browser.get(`${url}${path}`);
    report(`GET ${path} is ${status}`, page.status === status, page);
  }
}

const [verb, ...words] = process.argv.slice(2);
switch (verb) {
case 'port': freePort(); break;
case 'get': show(await new Browser().get(words[0])); break;
case 'page': await page(...words); break;
case 'raw': raw(words[0]); break;
case 'pages': await pages(...words); break;
default: throw new Error(`there is no ${verb}`);
}

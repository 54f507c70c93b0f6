// A proxy that ends TLS, and who calls it or goes around it.
//
//   node proxy.mjs serve KEY CERTIFICATE TARGET PORT_FILE
//       https on a free port of 127.0.0.1; calls TARGET from 127.0.0.9, as
//       proxies do, with X-Forwarded headers of its own
//   node proxy.mjs cases PROXY DIRECT
//       a line for each case; DIRECT: the web server's own address

import { readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer } from 'node:https';
import { Browser } from './browser.mjs';

const SPOOFED = { 'X-Forwarded-For': '203.0.113.66', 'X-Forwarded-Proto': 'https', 'X-Forwarded-Host': 'evil.example.com', Forwarded: 'for=203.0.113.66;proto=https;host=evil.example.com' };

function serve(key, certificate, target, portFile) {
  const server = createServer({ key: readFileSync(key), cert: readFileSync(certificate) }, (req, res) => {
    const client = req.socket.remoteAddress.replace('::ffff:', '');
    const before = req.headers['x-forwarded-for'];
    const headers = {
      ...req.headers,
      'x-forwarded-for': before === undefined ? client : `${before}, ${client}`, 'x-forwarded-proto': 'https', 'x-forwarded-host': req.headers.host, host: 'inside.example.com',
    };
    const inner = request(`${target}${req.url}`, { method: req.method, headers, localAddress: '127.0.0.9' }, (answer) => {
      res.writeHead(answer.statusCode, answer.headers);
      answer.pipe(res);
    });
    inner.on('error', () => res.writeHead(502).end());
    req.pipe(inner);
  });
  server.listen(0, '127.0.0.1', () => writeFileSync(portFile, String(server.address().port)));
}

async function cases(proxy, direct) {
  const report = (what, isGood, answer) => {
    console.log(`${isGood ? 'ok' : 'not ok'} - ${what}`);
    if (!isGood) console.log(`#   ${JSON.stringify({ ...answer, body: answer.body.slice(0, 400) })}`);
  };
  const cookies = (answer) => [answer.headers['set-cookie']].flat().filter(Boolean);
  const login = (browser, url, name = 'admin', password = process.env.BILLHOOK_PASSWORD) => browser.login(`${url}/login`, name, password);
  const by = (address, headers = {}) => new Browser({ localAddress: address, headers });

  let browser = by('127.0.0.5', { Host: 'bill.example.com' });
  let page = await login(browser, proxy);
  report('by the proxy: logged in, with a cookie for https alone', page.status === 303 && cookies(page).some((line) => /; *Secure/i.test(line)), page);
  report('led to where the person is', !/^http:|inside/.test(page.headers.location ?? 'http:'), page);
  page = await browser.get(`${proxy}/connections/stripe`);
  report('the address for webhooks is the public one', page.body.includes('https://bill.example.com/hook/stripe'), page);
  browser = by('127.0.0.5', { Host: 'bill.example.com', ...SPOOFED });
  page = await login(browser, proxy);
  page = await browser.get(`${proxy}/connections/stripe`);
  report('what a client says itself of its host is not shown', page.status === 200 && !page.body.includes('evil.example.com'), page);

  browser = by('127.0.0.2', { Host: 'inside.example.com', ...SPOOFED });
  page = await login(browser, direct);
  report('around the proxy: no cookie is for https, whatever is said', page.status === 303 && cookies(page).every((line) => !/; *Secure/i.test(line)), page);
  page = await browser.get(`${direct}/connections/stripe`);
  report('and the host is the one that was asked', page.body.includes('http://inside.example.com/hook/stripe') && !page.body.includes('evil'), page);

  const statuses = [];
  for (let i = 0; i < 12; i++) statuses.push((await login(by('127.0.0.5', { 'X-Forwarded-For': `203.0.113.${i}` }), proxy, `guess${i}`, 'wrong')).status);
  report('who guesses is stopped, whoever he says he is', statuses[0] === 403 && statuses.at(-1) === 429, { body: statuses.join(' ') });
  page = await login(by('127.0.0.6'), proxy);
  report('others behind the same proxy are not', page.status === 303, page);
}

const [verb, ...words] = process.argv.slice(2);
if (verb === 'serve') serve(...words);
else await cases(...words);

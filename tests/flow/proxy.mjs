// A proxy that ends TLS, and who calls it or goes around it.
//
//   node proxy.mjs serve KEY CERTIFICATE TARGET PORT_FILE
//       https on a free port of 127.0.0.1; calls TARGET from 127.0.0.9, as
//       proxies do, with X-Forwarded headers of its own
//   node proxy.mjs cases PROXY DIRECT
//       a line for each case; DIRECT: the web server's own address
//   node proxy.mjs session URL https|http
//       the same of the cookies of a session; https: they must be marked for it

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

// Each cookie of an answer: only for this site, of no use to scripts, and with Secure where it came by https.
function areKept(answer, name, isSecure) {
  const lines = [answer.headers['set-cookie']].flat().filter(Boolean);
  const shape = new RegExp(`^(billhook|billhook_login)=[^;,\\s]*; Path=/; Max-Age=[0-9]+; HttpOnly; SameSite=Lax${isSecure ? '; Secure' : ''}$`);
  return lines.some((line) => line.startsWith(`${name}=`)) && lines.every((line) => shape.test(line));
}

// The cookies of a form, a login and a logout.
async function session(browser, url, isSecure, report) {
  const how = isSecure ? 'with Secure' : 'without Secure';
  let page = await browser.get(`${url}/login`);
  report(`the form's cookie is kept, ${how}`, page.status === 200 && areKept(page, 'billhook_login', isSecure), page);
  page = await browser.login(`${url}/login`, 'admin', process.env.BILLHOOK_PASSWORD);
  report(`the session's, too, ${how}`, page.status === 303 && areKept(page, 'billhook', isSecure), page);
  const home = await browser.get(`${url}/`);
  report('the session holds', home.status === 200, home);
  page = await browser.post(`${url}/logout`, { token: /name="token" value="([^"]+)"/.exec(home.body)?.[1] });
  report(`a logout takes it away, ${how}`, page.status === 303 && areKept(page, 'billhook', isSecure) && /billhook=; .*Max-Age=0;/.test(page.headers['set-cookie']), page);
}

function report(what, isGood, answer) {
  console.log(`${isGood ? 'ok' : 'not ok'} - ${what}`);
  if (!isGood) console.log(`#   ${JSON.stringify({ ...answer, body: answer.body.slice(0, 400) })}`);
}

async function cases(proxy, direct) {
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
else if (verb === 'session') await session(new Browser({ localAddress: '127.0.0.7' }), words[0], words[1] === 'https', report);
else await cases(...words);

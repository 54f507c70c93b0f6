// Receivers of alerts, as small as they can be: one that takes Slack's JSON,
// and a mail server that asks for a login.  Everything taken is a line of JSON
// in a file; what they do today is read from another.
//
// usage: receivers.mjs DIR    ports: DIR/slack.port, DIR/smtp.port; taken: DIR/slack, DIR/smtp;
//                             DIR/mood: "" | "down"
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer as createHttp } from 'node:http'
import { smtp } from '../sim/smtp.mjs'

const dir = process.argv[2]
const mood = () => (existsSync(`${dir}/mood`) ? readFileSync(`${dir}/mood`, 'utf8').trim() : '')
const take = (name, what) => appendFileSync(`${dir}/${name}`, `${JSON.stringify(what)}\n`)
const listen = (server, name) =>
	server.listen(0, '127.0.0.1', () => writeFileSync(`${dir}/${name}.port`, String(server.address().port)))

listen(
	createHttp((request, response) => {
		let body = ''
		request.on('data', (chunk) => (body += chunk))
		request.on('end', () => {
			if (mood() === 'down') {
				response.writeHead(503).end('overloaded')
			} else {
				take('slack', { path: request.url, type: request.headers['content-type'], ...JSON.parse(body) })
				response.end('ok')
			}
		})
	}),
	'slack',
)

listen(smtp({ tls: 'none', user: 'billhook', password: 'mail-flow-secret', take: (mail) => take('smtp', mail) }), 'smtp')

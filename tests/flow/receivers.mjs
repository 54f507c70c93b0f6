// Receivers of alerts, as small as they can be: one that takes Slack's JSON,
// and a mail server that asks for a login.  Everything taken is a line of JSON
// in a file; what they do today is read from another.
//
// usage: receivers.mjs DIR    ports: DIR/slack.port, DIR/smtp.port; taken: DIR/slack, DIR/smtp;
//                             DIR/mood: "" | "down"
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer as createHttp } from 'node:http'
import { createServer } from 'node:net'

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

const decoded = (message) => {
	const at = message.indexOf('\r\n\r\n')
	return { head: message.slice(0, at), text: Buffer.from(message.slice(at), 'base64').toString() }
}

// One conversation: a line in, the answer out.
const converse = (state, line) => {
	if (state.data !== null) {
		if (line !== '.') {
			state.data += `${line}\r\n`
			return null
		}
		take('smtp', { from: state.from, to: state.to, ...decoded(state.data) })
		state.data = null
		return '250 taken'
	}
	if (/^EHLO/i.test(line)) {
		return '250-here\r\n250 AUTH PLAIN'
	}
	if (/^AUTH PLAIN/i.test(line)) {
		const given = line.split(' ')[2]
		state.asked = given === undefined
		return state.asked ? '334 ' : login(state, given)
	}
	if (state.asked) {
		state.asked = false
		return login(state, line)
	}
	if (!state.isIn && /^(MAIL|RCPT|DATA)/i.test(line)) {
		return '530 log in first'
	}
	if (/^MAIL FROM:/i.test(line)) {
		state.from = line.slice(10)
		state.to = []
		return '250 fine'
	}
	if (/^RCPT TO:/i.test(line)) {
		state.to.push(line.slice(8))
		return '250 fine'
	}
	if (/^DATA/i.test(line)) {
		state.data = ''
		return '354 go on'
	}
	return /^QUIT/i.test(line) ? '221 bye' : '500 what'
}
const login = (state, given) => {
	state.isIn = Buffer.from(given, 'base64').toString() === '\0billhook\0mail-flow-secret'
	return state.isIn ? '235 welcome' : '535 no'
}

listen(
	createServer((socket) => {
		const state = { data: null, isIn: false, asked: false, from: '', to: [] }
		let rest = ''
		socket.on('error', () => {})
		socket.write('220 here\r\n')
		socket.on('data', (chunk) => {
			const lines = (rest + chunk).split('\r\n')
			rest = lines.pop()
			for (const line of lines) {
				const answer = converse(state, line)
				if (answer !== null) {
					socket.write(`${answer}\r\n`)
				}
			}
		})
	}),
	'smtp',
)

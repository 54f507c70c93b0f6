// A mail server, as small as it can be: TLS from the start, STARTTLS or none, and a
// login.  It is written from RFC 5321, 3207 and 4954, not from our client.
//
// usage: smtp.mjs DIR CERTIFICATES    one server for each name below; its port stands in
//   DIR/NAME.port, what it took, a line of JSON each, in DIR/NAME, and what it was told before
//   TLS in DIR/NAME.clear.  CERTIFICATES holds NAME.key and NAME.crt, as far as they have TLS.
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { createSecureContext, TLSSocket } from 'node:tls'
import { pathToFileURL } from 'node:url'

// what: {tls: 'start' | 'later' | 'none', context, user, password, take(mail), hear(line)}
export const smtp = (what) =>
	createServer((socket) => {
		const context = what.context
		socket.on('error', () => {})
		if (what.tls === 'start') {
			const secure = new TLSSocket(socket, { isServer: true, secureContext: context })
			secure.on('error', () => socket.destroy())
			secure.on('secure', () => converse(secure, what, true))
			return
		}
		converse(socket, what, false)
	})

const decoded = (message) => {
	const at = message.indexOf('\r\n\r\n')
	return { head: message.slice(0, at), text: Buffer.from(message.slice(at), 'base64').toString() }
}

const converse = (socket, what, isSecure) => {
	const state = { data: null, isIn: false, asked: '', given: [], from: '', to: [], isSecure }
	let rest = ''
	const hear = (chunk) => {
		const lines = (rest + chunk).split('\r\n')
		rest = lines.pop()
		for (const line of lines) {
			if (!state.isSecure) {
				what.hear?.(line)
			}
			const said = answer(state, what, line)
			if (said !== null) {
				socket.write(`${said}\r\n`)
			}
			if (state.isTurning) {
				// Whatever was sent along in the clear is not believed.
				rest = ''
				socket.off('data', hear)
				const secure = new TLSSocket(socket, { isServer: true, secureContext: what.context })
				secure.on('error', () => socket.destroy())
				secure.on('secure', () => converse(secure, { ...what, isGreeted: true }, true))
				return
			}
		}
	}
	socket.on('error', () => {})
	socket.on('data', hear)
	if (!what.isGreeted) {
		socket.write('220 here\r\n')
	}
}

const login = (state, what, user, password) => {
	state.isIn = user === what.user && password === what.password
	return state.isIn ? '235 welcome' : '535 5.7.8 no'
}
const plain = (state, what, given) => {
	const [, user, password] = Buffer.from(given, 'base64').toString().split('\0')
	return login(state, what, user, password)
}

// One line in, the answer out; null where there is none.
const answer = (state, what, line) => {
	const verb = line.slice(0, 4).toUpperCase()
	if (state.data !== null) {
		if (line !== '.') {
			state.data += `${line}\r\n`
			return null
		}
		what.take({ from: state.from, to: state.to, isSecure: state.isSecure, ...decoded(state.data) })
		state.data = null
		return '250 taken'
	}
	if (state.asked === 'PLAIN') {
		state.asked = ''
		return plain(state, what, line)
	}
	if (state.asked === 'LOGIN') {
		state.given.push(Buffer.from(line, 'base64').toString())
		if (state.given.length === 1) {
			return '334 UGFzc3dvcmQ6'
		}
		state.asked = ''
		return login(state, what, ...state.given)
	}
	if (verb === 'EHLO') {
		const offers = ['here']
		if (what.tls === 'later' && !state.isSecure) {
			offers.push('STARTTLS')
		}
		if (what.tls === 'none' || state.isSecure) {
			offers.push('AUTH PLAIN LOGIN')
		}
		return offers.map((offer, i) => `250${i + 1 < offers.length ? '-' : ' '}${offer}`).join('\r\n')
	}
	if (/^STARTTLS$/i.test(line) && what.tls === 'later' && !state.isSecure) {
		state.isTurning = true
		return '220 go on'
	}
	if (verb === 'QUIT') {
		return '221 bye'
	}
	if (what.tls !== 'none' && !state.isSecure) {
		return '530 5.7.0 STARTTLS first'
	}
	const auth = /^AUTH (PLAIN|LOGIN)(?: (.+))?$/i.exec(line)
	if (auth !== null) {
		const [, how, given] = auth
		if (given !== undefined && how.toUpperCase() === 'PLAIN') {
			return plain(state, what, given)
		}
		state.asked = how.toUpperCase()
		state.given = given === undefined ? [] : [Buffer.from(given, 'base64').toString()]
		return state.asked === 'PLAIN' ? '334 ' : state.given.length === 0 ? '334 VXNlcm5hbWU6' : '334 UGFzc3dvcmQ6'
	}
	if (!state.isIn && what.user !== undefined) {
		return '530 5.7.0 log in first'
	}
	if (/^MAIL FROM:/i.test(line)) {
		state.from = line.slice(10).split(' ')[0]
		state.to = []
		return '250 fine'
	}
	if (/^RCPT TO:/i.test(line)) {
		state.to.push(line.slice(8))
		return '250 fine'
	}
	if (verb === 'DATA') {
		state.data = ''
		return '354 go on'
	}
	return '500 what'
}

const main = (dir, certificates) => {
	const servers = { smtps: 'start', starttls: 'later', none: 'none', strange: 'start', elsewhere: 'start', 'starttls-strange': 'later' }
	for (const [name, tls] of Object.entries(servers)) {
		const file = `${certificates}/${name}`
		const context = existsSync(`${file}.key`)
			? createSecureContext({ key: readFileSync(`${file}.key`), cert: readFileSync(`${file}.crt`) })
			: undefined
		const server = smtp({
			tls,
			context,
			user: 'billhook',
			password: 'mail-flow-secret',
			take: (mail) => appendFileSync(`${dir}/${name}`, `${JSON.stringify(mail)}\n`),
			hear: (line) => appendFileSync(`${dir}/${name}.clear`, `${line}\n`),
		})
		server.listen(0, '127.0.0.1', () => writeFileSync(`${dir}/${name}.port`, String(server.address().port)))
	}
}
if (import.meta.url === pathToFileURL(process.argv[1]).href) {
	main(process.argv[2], process.argv[3])
}

// Stripe as a sender: signed webhooks over N kept-alive connections, each
// sent again with the same id until somebody says 2xx.

import { createHmac } from 'node:crypto';
import { connect } from 'node:net';
import { now, sleep } from './base.mjs';

// Stripe: Webhooks, signatures: HMAC-SHA256 over "<t>.<body>", keyed by the whole secret.
export function signature(secret, body, seconds = Math.floor(Date.now() / 1000)) {
  const digest = createHmac('sha256', secret).update(`${seconds}.`).update(body).digest('hex');
  return `t=${seconds},v1=${digest}`;
}

export function hookRequest(path, secret, body) {
  const head = `POST ${path} HTTP/1.1\r\nHost: billhook.example.com\r\nUser-Agent: Stripe/1.0 (+https://stripe.com/docs/webhooks)\r\n`
    + `Content-Type: application/json; charset=utf-8\r\nContent-Length: ${body.length}\r\nStripe-Signature: ${signature(secret, body)}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), body]);
}

// Enough of HTTP/1.1 for the answers to webhooks; node:http costs several times as much.
class Answer {
  constructor() {
    this.text = '';
  }

  // True when it is complete.
  add(chunk) {
    this.text += chunk.toString('latin1');
    const end = this.text.indexOf('\r\n\r\n');
    if (end < 0) return false;
    if (this.status === undefined) {
      const head = this.text.slice(0, end).toLowerCase();
      this.status = Number(head.slice(9, 12));
      this.length = /\r\ncontent-length: *(\d+)/.exec(head)?.[1];
      this.isChunked = /\r\ntransfer-encoding: *chunked/.test(head);
      this.closes = /\r\nconnection: *close/.test(head);
    }
    if (this.length !== undefined) return this.text.length >= end + 4 + Number(this.length);
    return this.isChunked ? this.text.endsWith('0\r\n\r\n') : this.status === 204;
  }
}

class Connection {
  constructor(port) {
    this.port = port;
  }

  #open() {
    return new Promise((done, fail) => {
      const socket = connect({ port: this.port, host: '127.0.0.1', noDelay: true });
      socket.on('connect', () => done(socket));
      socket.on('error', (error) => {
        fail(error);
        this.#lose(error);
      });
      socket.on('close', () => this.#lose(new Error('the connection was closed')));
      socket.on('data', (chunk) => this.#take(chunk));
      socket.setTimeout(30000, () => socket.destroy(new Error('no answer in 30 s')));
    });
  }

  #lose(error) {
    this.socket?.destroy();
    this.socket = null;
    const { waiting } = this;
    this.waiting = null;
    waiting?.fail(error);
  }

  #take(chunk) {
    const { waiting } = this;
    if (!waiting || !waiting.answer.add(chunk)) return;
    this.waiting = null;
    if (waiting.answer.closes) {
      this.socket.removeAllListeners('close');
      this.socket.destroy();
      this.socket = null;
    }
    waiting.done(waiting.answer.status);
  }

  // The status of the answer; throws when there was none.
  async send(bytes) {
    if (!this.socket) this.socket = await this.#open();
    return new Promise((done, fail) => {
      this.waiting = { done, fail, answer: new Answer() };
      this.socket.write(bytes);
    });
  }

  close() {
    this.socket?.removeAllListeners('close');
    this.socket?.destroy();
    this.socket = null;
  }
}

/*
 * Send deliveries ({ id, body }) over so many connections, each as soon as the
 * one before is acknowledged; `perSecond` slows that down to a steady pace.
 */
export class Sender {
  constructor({ port, path, secret, connections = 64, perSecond = Infinity, retryMs = 50, patienceMs = 60000 }) {
    Object.assign(this, { port, path, secret, connections, perSecond, retryMs, patienceMs });
    this.acknowledged = []; // { id, at }: milliseconds of the monotonic clock
    this.latencies = [];
    this.retries = 0;
    this.statuses = new Map();
  }

  // Signed beforehand, so that only the sending is measured.
  prepare(deliveries) {
    for (const delivery of deliveries) delivery.bytes = hookRequest(this.path, this.secret, delivery.body());
  }

  async run(deliveries) {
    this.next = 0;
    this.startedAt = now();
    this.isStopped = false;
    const connections = Array.from({ length: this.connections }, () => new Connection(this.port));
    await Promise.all(connections.map((connection) => this.#work(connection, deliveries)));
    this.endedAt = now();
    connections.forEach((connection) => connection.close());
  }

  stop() {
    this.isStopped = true;
  }

  async #work(connection, deliveries) {
    for (let i = this.next++; i < deliveries.length && !this.isStopped; i = this.next++) {
      const dueAt = this.startedAt + (i * 1000) / this.perSecond;
      if (dueAt > now() + 1) await sleep(dueAt - now());
      await this.#deliver(connection, deliveries[i]);
    }
  }

  async #deliver(connection, delivery) {
    const firstAt = now();
    for (;;) {
      const bytes = delivery.bytes ?? hookRequest(this.path, this.secret, delivery.body());
      const sentAt = now();
      let outcome;
      try {
        outcome = await connection.send(bytes);
      } catch (error) {
        outcome = error.code ?? error.message;
      }
      this.statuses.set(outcome, (this.statuses.get(outcome) ?? 0) + 1);
      if (outcome >= 200 && outcome < 300) {
        const at = now();
        this.latencies.push(at - sentAt);
        this.acknowledged.push({ id: delivery.id, at });
        return;
      }
      if (now() - firstAt > this.patienceMs) throw new Error(`event ${delivery.id} was not acknowledged in ${this.patienceMs} ms, last: ${outcome}`);
      this.retries++;
      delivery.bytes = undefined; // a retry carries a fresh signature
      await sleep(this.retryMs);
    }
  }

  get perSecondAcknowledged() {
    return this.acknowledged.length / ((this.endedAt - this.startedAt) / 1000);
  }
}

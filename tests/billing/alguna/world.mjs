// Alguna as tests see it: its rows, its API in two generations, its webhooks.

import { randomBytes } from 'node:crypto';
import { System } from '../common/system.mjs';
import { Table } from '../common/table.mjs';
import { seconds } from '../common/times.mjs';
import { VERBS } from './changes.mjs';
import { refusalOf } from './errors.mjs';
import { Idempotency } from './idempotency.mjs';
import { LOADERS } from './load.mjs';
import { makeWorld } from './made.mjs';
import { answer, Gate } from './router.mjs';
import { CHOICES, defaultSettings } from './settings.mjs';
import { envelope, shown } from './views.mjs';
import { webhookService } from './webhooks.mjs';

const byCreation = { id: (row) => row.id, key: (row) => row.created_at };
const KINDS = ['customers', 'subscriptions', 'versions', 'invoices', 'payments', 'refunds', 'credit_notes'];

export class Alguna extends System {
  static defaults = defaultSettings;
  static choices = CHOICES;
  name = 'alguna';
  tables = Object.fromEntries(KINDS.map((kind) => [kind, new Table(byCreation)]));
  gate = new Gate(this);
  idempotency = new Idempotency(this);
  loaders = LOADERS;
  verbs = VERBS;

  constructor(settings) {
    super(settings);
    this.reset();
  }

  reset() {
    this.clearTables();
    this.maker = null;
    this.numbers = 0;
    this.gate.clear();
    this.idempotency.clear();
  }

  handle(call) {
    return answer(this, call);
  }

  refusal(status) {
    return refusalOf(status);
  }

  service() {
    return webhookService(this);
  }

  generate(customers, seed) {
    this.maker = makeWorld(this.tables, customers, seed);
  }

  show(kind, row) {
    return shown(kind, row);
  }

  nowText() {
    return seconds(this.now());
  }

  newId(prefix) {
    return `${prefix}_${randomBytes(8).toString('hex')}`;
  }

  // There is no id in the body: it is in the headers only.
  emit(type, subject, write, at = this.nowText()) {
    return this.outbox.add(type, subject, () => JSON.stringify(envelope(this, type, at, write())), { id: this.newId('msg') });
  }
}

// LostChurn as tests see it: failed payments, their customers, its API and its webhooks.

import { randomBytes } from 'node:crypto';
import { System } from '../common/system.mjs';
import { Table } from '../common/table.mjs';
import { seconds } from '../common/times.mjs';
import { VERBS } from './changes.mjs';
import { refusalOf } from './errors.mjs';
import { Gate } from './gate.mjs';
import { LOADERS } from './load.mjs';
import { makeWorld } from './made.mjs';
import { answer } from './router.mjs';
import { shownCustomer, shownPayment } from './rows.mjs';
import { CHOICES, defaultSettings } from './settings.mjs';
import { webhookService } from './webhooks.mjs';

const byCreation = { id: (row) => row.id, key: (row) => row.created_at };

export class LostChurn extends System {
  static defaults = defaultSettings;
  static choices = CHOICES;
  name = 'lostchurn';
  tables = { customers: new Table(byCreation), payments: new Table(byCreation) };
  gate = new Gate(this);
  loaders = LOADERS;
  verbs = VERBS;

  constructor(settings) {
    super(settings);
    this.reset();
  }

  reset() {
    this.clearTables();
    this.maker = null;
    this.erased = []; // customers that were deleted through the API
    this.gate.clear();
  }

  handle(call) {
    return answer(this, call);
  }

  refusal(status) {
    return refusalOf(this, status);
  }

  service() {
    return webhookService(this);
  }

  generate(customers, seed) {
    this.maker = makeWorld(this.tables, customers, seed, this.settings.edition);
  }

  more() {
    return { erased: this.erased };
  }

  show(kind, row) {
    return kind === 'payments' ? shownPayment(this, row) : shownCustomer(this, row);
  }

  nowText() {
    return seconds(this.now());
  }

  newId(prefix) {
    return `${prefix}_${randomBytes(6).toString('hex')}`;
  }

  // The envelope tells when the event arose, not when it is sent.
  emit(type, subject, write, { id = this.newId('evt'), at = this.nowText() } = {}) {
    return this.outbox.add(type, subject, () => JSON.stringify({ id, type, created_at: at, data: write() }), { id });
  }
}

// The rows of one Bulk job, written by the writer that serves single records and
// collections, so that every rule of the org applies to them as well.

import { badRequest, SalesforceError } from './errors.mjs';
import { deleteRow, insertRow, refuseRepeatedIds, repeatedKeys, updateRow, upsertRow } from './collections.mjs';
import { bindColumns, inCsvWords, recordOf } from './ingest-columns.mjs';
import { parseId, prefixOf } from './ids.mjs';
import { keyField } from './writer.mjs';

// Rows of one chunk share a transaction; a key twice in it fails all its rows.
const CHUNK = 200;

export class IngestRows {
  constructor(call, type, job, { header, rows }) {
    this.call = call;
    this.type = type;
    this.operation = job.operation;
    this.columns = bindColumns(call, type, job, header);
    this.key = job.operation === 'upsert' ? keyField(type, job.externalIdFieldName) : null;
    this.header = header;
    this.rows = rows;
    this.cursor = 0;
    this.repeated = new Map();
    this.good = [];
    this.bad = [];
  }

  get done() {
    return this.cursor >= this.rows.length;
  }

  // Writes up to `limit` rows, none beyond `until`.
  advance(until, limit) {
    const end = Math.min(until, this.rows.length, this.cursor + limit);
    this.call.now = Date.now();
    for (; this.cursor < end; this.cursor++) {
      if (this.cursor % CHUNK === 0) this.repeated = this.findRepeated(this.cursor);
      this.write(this.cursor);
    }
  }

  findRepeated(from) {
    const records = this.rows.slice(from, from + CHUNK).map((values) => this.recordAt(values));
    const repeated = this.key && this.key.type !== 'id' ? repeatedKeys(this.call, this.key, records) : refuseRepeatedIds(records);
    return new Map([...repeated].map(([i, error]) => [from + i, error]));
  }

  // The record, or {} where a value cannot be read: that is told by its row.
  recordAt(values) {
    try {
      return recordOf(this.type, this.columns, values);
    } catch (error) {
      if (!(error instanceof SalesforceError)) throw error;
      return {};
    }
  }

  write(n) {
    const values = this.rows[n];
    try {
      if (this.repeated.has(n)) throw this.repeated.get(n);
      const { id, created } = this.writeRecord(recordOf(this.type, this.columns, values));
      this.good.push({ n, id, created });
    } catch (error) {
      if (!(error instanceof SalesforceError)) throw error;
      this.bad.push({ n, id: values[this.header.findIndex((name) => name.toLowerCase() === 'id')] ?? '',
        error: errorText(inCsvWords(error, this.columns, values)) });
    }
  }

  writeRecord(record) {
    switch (this.operation) {
      case 'insert': return { ...insertRow(record, this.call), created: true };
      case 'update': return { ...updateRow(record, this.call), created: false };
      case 'upsert': return upsertRow(this.call, this.type, this.key, record);
      default: return { id: this.deleteOne(record.Id), created: false };
    }
  }

  deleteOne(text) {
    const id = parseId(text ?? '');
    if (!id || prefixOf(id) !== this.type.keyPrefix) throw badRequest('MALFORMED_ID', `malformed id ${text ?? ''}`, ['Id']);
    return deleteRow(this.call, id);
  }
}

// "CODE:message:Field1 Field2 --"; without a message the bare code.
function errorText({ code, message, fields = [] }) {
  return message === code ? code : `${code}:${message}:${fields.length ? `${fields.join(' ')} ` : ''}--`;
}

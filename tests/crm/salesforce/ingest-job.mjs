// One Bulk 2.0 ingest job: its states, how long each of them lasts, and its
// result files (Salesforce: Bulk API 2.0 ingest).

import { badRequest } from './errors.mjs';
import { csvHead, csvRow, JobFailure, parseCsv } from './ingest-csv.mjs';
import { IngestRows } from './ingest-rows.mjs';
import { serverTime } from './values.mjs';

// Rows written before other calls get their turn.
const SLICE = 5000;
const ROWS_PER_BATCH = 10000;
const OVER = ['JobComplete', 'Aborted', 'Failed'];
const STATE_NAMES = { JobComplete: 'Completed' };

const wrongState = (message) => badRequest('INVALIDJOBSTATE', message);

export class IngestJob {
  constructor(org, type, spec, { id, version, now }) {
    this.org = org;
    this.type = type;
    this.id = id;
    this.version = version;
    this.spec = spec;
    this.created = now;
    this.content = null;
    this.rows = null;
    this.errorMessage = null;
    this.contended = 0;
    this.failAfter = null;
    this.pumping = false;
    this.spent = 0;
    this.enter('Open');
  }

  get operation() { return this.spec.operation; }

  get externalIdFieldName() { return this.spec.externalIdFieldName; }

  get columnDelimiter() { return this.spec.columnDelimiter; }

  get over() { return OVER.includes(this.state); }

  enter(state) {
    this.state = state;
    this.since = Date.now();
    this.polls = 0;
  }

  // What every answer about a job holds.
  head() {
    const { object, operation, externalIdFieldName, contentType, lineEnding, columnDelimiter } = this.spec;
    return {
      id: this.id, operation, object, createdById: this.org.userId, createdDate: serverTime(this.created),
      systemModstamp: serverTime(this.since), state: this.state, ...(externalIdFieldName ? { externalIdFieldName } : {}),
      concurrencyMode: 'Parallel', contentType, apiVersion: this.version,
      ...(this.state === 'Open' ? { contentUrl: `services/data/v${this.version}.0/jobs/ingest/${this.id}/batches` } : {}),
      lineEnding, columnDelimiter,
    };
  }

  view() {
    const { good = [], bad = [] } = this.rows ?? {};
    return {
      ...this.head(), jobType: 'V2Ingest', retries: 0, totalProcessingTime: this.spent, apiActiveProcessingTime: this.spent,
      apexProcessingTime: 0, numberRecordsProcessed: good.length + bad.length, numberRecordsFailed: bad.length,
      ...(this.errorMessage ? { errorMessage: this.errorMessage } : {}),
    };
  }

  upload(text) {
    if (this.state !== 'Open') throw wrongState(`Data cannot be added to a job in state ${this.state}`);
    if (this.content !== null) {
      throw wrongState(`Found multiple contents for job: <${this.id}>, please 'Close' / 'Abort' / 'Delete' the current Job then create a new Job and make sure you only do 'PUT' once on a given Job.`);
    }
    this.content = text;
  }

  close() {
    if (this.state !== 'Open') throw wrongState(`A job in state ${this.state} cannot be closed`);
    this.enter('UploadComplete');
  }

  abort() {
    if (this.over) throw wrongState(`Aborting already ${STATE_NAMES[this.state] ?? this.state} Job not allowed`);
    this.enter('Aborted');
  }

  checkDeletable() {
    if (this.state === 'Open' || this.state === 'InProgress') throw wrongState(`A job in state ${this.state} cannot be deleted`);
  }

  // Whether the settings still hold the job in its state. A poll that is
  // answered with the state counts as seen.
  held(name, polled) {
    const { values } = this.org.settings;
    if (this.polls < values[`bulk_${name}_polls`]) {
      if (polled) this.polls++;
      return true;
    }
    return Date.now() - this.since < values[`bulk_${name}_ms`];
  }

  // Goes on as far as time and polls allow.
  step(polled = false) {
    if (this.state === 'UploadComplete' && !this.held('queued', polled)) this.start();
    if (this.state === 'InProgress') this.run(this.held('running', polled));
  }

  start() {
    this.enter('InProgress');
    try {
      const { lineEnding: ending, columnDelimiter: delimiter } = this.spec;
      if (!this.content) throw new JobFailure('ClientInputError : No data was uploaded');
      const newlinesInValues = !this.org.settings.values.bulk_newlines_counted;
      const parsed = parseCsv(this.content, { delimiter, ending, newlinesInValues });
      const call = { org: this.org, userId: this.org.userId, now: Date.now(), allowSave: false, admin: false, raw: '', records: 0, bulkJob: this };
      this.rows = new IngestRows(call, this.type, this, parsed);
      this.org.settings.values.bulk_batches_used += Math.ceil(parsed.rows.length / ROWS_PER_BATCH);
    } catch (error) {
      if (!(error instanceof JobFailure)) throw error;
      this.fail(error.message);
    }
    this.content = '';
  }

  fail(message) {
    this.errorMessage = message;
    this.enter('Failed');
  }

  // While the job is held in progress half of its rows are written, so that an
  // abort then leaves rows of both kinds.
  run(held) {
    const all = this.rows.rows.length;
    const until = Math.min(held ? all >> 1 : all, this.failAfter?.rows ?? all);
    const started = Date.now();
    this.rows.advance(until, SLICE);
    this.spent += Date.now() - started;
    if (this.rows.cursor < until) this.runLater();
    else if (!held && this.failAfter) this.fail(this.failAfter.message);
    else if (!held) this.enter('JobComplete');
  }

  runLater() {
    if (this.pumping) return;
    this.pumping = true;
    setImmediate(() => {
      this.pumping = false;
      this.step();
    });
  }

  checkResults() {
    if (!this.over) throw wrongState(`Results of a job in state ${this.state} are not ready`);
  }

  // Row order is not kept: clients have to join on a column of theirs.
  results(own, list, cells) {
    this.checkResults();
    if (!this.rows) return `${csvHead(own, [], this)}\n`;
    const lines = shuffled(list).map((entry, n) => csvRow([...cells(entry), ...this.rows.rows[entry.n]], this, n));
    return `${[csvHead(own, this.rows.header, this), ...lines].join('\n')}\n`;
  }

  successfulResults() {
    return this.results(['sf__Id', 'sf__Created'], this.rows?.good ?? [], ({ id, created }) => [id, String(Boolean(created))]);
  }

  failedResults() {
    return this.results(['sf__Id', 'sf__Error'], this.rows?.bad ?? [], ({ id, error }) => [id, error]);
  }

  unprocessedRecords() {
    const rest = (this.rows?.rows ?? []).map((_, n) => ({ n })).slice(this.rows?.cursor ?? 0);
    return this.results([], rest, () => []);
  }
}

// The same disorder each time.
function shuffled(list) {
  const out = [...list];
  let seed = 20269;
  for (let i = out.length - 1; i > 0; i--) {
    seed = (seed * 1103515245 + 12345) & 0x7fffffff;
    const j = seed % (i + 1);
    [out[i], out[j]] = [out[j], out[i]];
  }
  return out;
}

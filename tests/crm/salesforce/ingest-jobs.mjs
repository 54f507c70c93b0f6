// All Bulk jobs of an org.

import { notFound } from './errors.mjs';
import { IngestJob } from './ingest-job.mjs';
import { parseId } from './ids.mjs';

export class IngestJobs {
  constructor(org) {
    this.org = org;
    this.jobs = new Map();
    this.failures = [];
  }

  clear() {
    // A job that is still writing must not go on in an emptied store.
    for (const job of this.jobs.values()) if (!job.over) job.enter('Aborted');
    this.jobs.clear();
    this.failures = [];
  }

  create(type, spec, { version, now }) {
    const job = new IngestJob(this.org, type, spec, { id: this.org.store.ids.next('750'), version, now });
    job.failAfter = this.failures.shift() ?? null;
    this.jobs.set(job.id, job);
    return job;
  }

  find(text) {
    const job = this.jobs.get(parseId(text));
    if (!job) throw notFound();
    return job;
  }

  // Jobs go on by themselves; this catches up with the clock.
  step() {
    for (const job of this.jobs.values()) if (!job.over) job.step();
  }

  // A job and a live write on the same object at once: the live row fails, and
  // so does the job's next one (the simulator: locks).
  collides(call, type) {
    if (!this.org.settings.values.bulk_live_locks) return false;
    if (call.bulkJob) return call.bulkJob.contended > 0 && call.bulkJob.contended-- > 0;
    const running = [...this.jobs.values()].find((job) => job.state === 'InProgress' && job.type === type);
    if (running) running.contended++;
    return running !== undefined;
  }

  // The next job made ends as Failed after some of its rows were written.
  failNext({ after_rows: rows = 0, message = 'InternalServerError : Internal server error' }) {
    if (!Number.isInteger(rows) || rows < 0) throw new Error('after_rows must be a number of rows');
    this.failures.push({ rows, message });
  }
}

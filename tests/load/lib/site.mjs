// A whole installation for one test: both CRMs, Billhook, the web server, the sender.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { makeDir, now, sleep, until } from './base.mjs';
import { Billhook, Lighttpd, setupDocument, SIGNING_SECRET, startedByWebServer } from './billhook.mjs';
import { compare } from './expected.mjs';
import { Sender } from './sender.mjs';
import { hubspot, salesforce } from './simulators.mjs';

export const HOOK = '/hook/stripe';

const isAsking = ({ method, url, path }) => method === 'GET' && !(url ?? path).endsWith('/describe');
const isLook = (call) => (call.subrequests?.length > 0 ? call.subrequests.every(isAsking)
  : isAsking(call) && /\/query\?/.test(call.path) || call.method === 'POST' && /\/composite\/sobjects\//.test(call.path));

export class Site {
  constructor(cleanup) {
    this.cleanup = cleanup;
    this.dir = makeDir(cleanup);
  }

  async startCrms(settings) {
    this.crms = { salesforce: salesforce(settings), hubspot: hubspot(settings) };
    await Promise.all(Object.values(this.crms).map((crm) => crm.start(this.cleanup, this.dir)));
  }

  // Billhook as a web server starts it; nothing runs before the first request.
  async startBillhook(options = {}) {
    const dir = join(this.dir, 'data');
    mkdirSync(dir, { mode: 0o700 });
    this.billhook = new Billhook(dir, options);
    await this.billhook.setUp(setupDocument(this.crms));
    this.cleanup.add(() => this.billhook.end());
    this.web = await new Lighttpd(this.dir, { '/': startedByWebServer(this.billhook) }).start(this.cleanup);
  }

  sender(more = {}) {
    return new Sender({ port: this.web.port, path: HOOK, secret: SIGNING_SECRET, ...more });
  }

  async clearCalls() {
    await Promise.all(Object.values(this.crms).map((crm) => crm.control('DELETE', 'calls')));
  }

  async #callCount() {
    const counts = await Promise.all(Object.values(this.crms).map((crm) => crm.callCount()));
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /*
   * Wait until both CRMs hold the newest state of all objects and nobody calls
   * them any more.  The whole comparison costs the simulators time, so it is
   * made when calls have ceased.  -> the findings; a count of 0 is a success.
   */
  async settled(objects, { timeoutMs = 30000, quietMs = 400 } = {}) {
    const end = now() + timeoutMs;
    let calls = -1, quietSince = now(), findings;
    for (;;) {
      const count = await this.#callCount();
      if (count !== calls) {
        calls = count;
        quietSince = now();
        findings = undefined;
      } else if (now() - quietSince >= quietMs && (findings === undefined || now() - findings.at > 1000)) {
        findings = await compare(this.crms, objects);
        findings.at = now();
        if (findings.count === 0 || now() > end) return findings;
      } else if (now() > end && findings !== undefined) {
        return findings;
      }
      await sleep(40);
    }
  }

  // When the last call that carried records was answered, in milliseconds of the epoch, the calls by kind, and how
  // many of them looked for records or read some (Salesforce).
  async callSummary() {
    const summary = {};
    for (const [name, crm] of Object.entries(this.crms)) {
      const entries = await crm.calls(), kinds = {};
      let last = 0;
      for (const entry of entries) {
        kinds[`${entry.kind} ${entry.status}`] = (kinds[`${entry.kind} ${entry.status}`] ?? 0) + 1;
        if ((entry.inputs ?? entry.records) > 0) last = Math.max(last, Date.parse(entry.at) + entry.ms);
      }
      summary[name] = { calls: entries.length, kinds, last, looks: entries.filter(isLook).length };
    }
    return summary;
  }

  async showFailure(findings) {
    for (const problem of findings.problems) console.log(`  ${problem}`);
    if (findings.count > findings.problems.length) console.log(`  ... ${findings.count} in all`);
    const log = this.billhook.log().split('\n');
    console.log(`log of Billhook, last lines:\n${log.slice(-30).join('\n')}`);
    const status = await this.billhook.status().catch((error) => error.message);
    console.log(`status: ${JSON.stringify(status, null, 1)}`);
  }
}

// Wait for an idle installation: no events left and no lane with work.
export async function idle(billhook, timeoutMs = 20000) {
  return until('an idle Billhook', async () => {
    const status = await billhook.status();
    return status.backlog === 0 && status.lanes.every((lane) => lane.dirty === 0) ? status : null;
  }, timeoutMs, 50);
}

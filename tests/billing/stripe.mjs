// A strict simulator of the Stripe API and of its webhooks, without any
// dependency.
//
//   node tests/billing/stripe.mjs --port 0 [--port-file FILE] [--settings JSON]
//
// Listens on 127.0.0.1.  Answers under /v1/ as the fact sheet says that the
// service does, and refuses what it refuses; 598 with a sentence is the
// simulator's own "this I cannot", 599 a mistake in it.  Objects are rendered
// as in 2026-10-28.endive, whatever the version of an event that was loaded.
//
// Known from the start (stripe/settings.mjs): keys sk_live_sim, sk_test_sim,
// and the restricted rk_live_sim and rk_test_sim (reading only, not the
// account); account acct_1QbHkDemoAccount, connected acct_1QcOnNeCtEdAcct0.
// Each account has one world for live mode and one for test mode.
//
// Tests steer it below /_sim/, with JSON in and out; 400 {"error"} when a
// request makes no sense.  Where a world is meant: "account" and "livemode"
// (default: the main one, true) in the body, or ?account=&livemode=false.
//
//   GET  health                  {"ok": true}
//   GET  settings, POST settings {name: value ...}
//          all of them in stripe/settings.mjs.  They outlive a reset.
//   POST reset                   empties all worlds, the log, the faults
//
//   POST load  {"objects": [...], "events": [...], "recorded": true}
//          objects as the API shows them, expanded or not, or whole pages;
//          each goes to the mode of its own livemode.  A page of
//          /v1/invoices/ID/lines adds lines.  {id, object, deleted: true} is a
//          deleted one.  Events are wanted by the endpoints there are.
//          recorded: the account of stripe/recorded/, events included.
//   POST generate {"customers": N, "seed": n, "until": unix seconds}
//          N up to a million, made when asked for; answers the counts.  The
//          same for the same seed (0-9999) and until (default: midnight).
//   POST change {"type", "id", "set", "unset", "object", "created", "request", "apply"}
//          or {"changes": [...]}: an object changes and an event tells of it;
//          answers {"event"} or {"events"}.  set: {"path.with.dots": value},
//          numbers go into lists: "items.data.0.quantity".  unset: [paths].
//          object: a new object (X.created), or one that is not kept (an
//          invoice.upcoming without id).  customer.subscription.deleted
//          leaves it canceled; the other *.deleted remove it.  apply false:
//          the event alone.  created: of the event.  request: {id,
//          idempotency_key}.  previous_attributes are worked out.
//   GET  state                   how many objects there are of each type
//   GET  state/TYPE              {"rows": [...]}: all of them
//   GET  state/TYPE/ID           one as it is kept: all lines, tiers and all
//
//   GET  events                  all, newest first, with "deliveries": {endpoint
//          or url: {state: pending|ok|failed, attempts, status}}
//   GET  endpoints               webhook endpoints with their "secrets" and "connect"
//   POST endpoints {"url", "secret", "enabled_events", "connect"}
//          as from the dashboard: any url, a secret of the test's choice
//   POST endpoints/ID/roll {"secret", "expire": true}
//          a new secret; the old one signs too unless expire
//   POST deliver {...}           sends, waits, and answers {events, sent,
//          delivered, failed, lost, statuses: {"200": n}, failures: [{event,
//          type, url, status, attempts}], ms}
//          To each enabled endpoint what it subscribed to since it is there and
//          has not yet had, oldest first.  Only to loopback: deliver_to in the
//          settings puts an origin in place of those of the endpoints.
//            url, secret         to this address instead (what it has not had);
//                                without secret that of the endpoint with the url
//            ids, types          these events again; only these types
//            all: true           what was delivered already, too
//            payloads: [...]     these bodies, objects or text, in place of events
//            shuffle: seed       in disorder
//            duplicate: 0..1     this share is sent twice
//            fail: 0..1          this share is never sent and stays failed
//            attempts: n, retry_delay_ms   until 2xx; signed anew each time
//            concurrency: n, timeout_ms, age_s (t lies so far back)
//
//   GET  calls, ?count=1         the log: [{n, at, method, path, kind, status, ms,
//          request, version, account, key, idempotency_key}], or {total,
//          byKind, refused (429), busiest_second}
//   DELETE calls
//   POST faults {"faults": [{"match": {method, path (regular expression),
//          object (a type), key (an id or value)}, "times": 1, "skip": 0, "do": {...}}]}
//          do: status with body, headers, code (lock_timeout, or the reason of
//          a 429), after: true (the work is done first); drop: "before" or
//          "after"; delay_ms; truncate: true
//   GET  faults, DELETE faults

import { parseArgs } from 'node:util';
import { serve } from '../sim/serve.mjs';
import { Simulator } from './stripe/server.mjs';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    'port-file': { type: 'string' },
    settings: { type: 'string', default: '{}' },
  },
});

await serve('stripe', new Simulator(JSON.parse(values.settings)), values.port, values['port-file']);

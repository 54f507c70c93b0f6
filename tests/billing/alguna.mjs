// A strict Alguna for tests, without any dependency: REST API (both
// generations) and webhooks.
//
//   node tests/billing/alguna.mjs --port 0 [--port-file FILE] [--settings JSON] [--load FILE]
//
// Listens on 127.0.0.1; the key is sk_test_sim.  With the header
// Alguna-Version: 2026-04-01 a call is of generation 2 (limit and offset both
// required, unknown parameters refused, sort required on refunds,
// Idempotency-Key); without it of generation 1 (accounts, camelCase, page).
// Tests steer it below /_sim/: what all simulators have stands at the head of
// common/control.mjs, deliveries in common/outbox.mjs, settings in
// alguna/settings.mjs.
//
// POST /_sim/load      members, in this order: customers (also external_ids,
//   integration_ids, tag_ids), subscriptions, versions, invoices, payments,
//   refunds, credit_notes; rows as generation 2 shows them.
// POST /_sim/generate  {"customers":N,"seed":S}: see alguna/made.mjs.
// POST /_sim/deliver   also "family":"webhook"|"svix", "secret".  "url" is needed.
//   Eight attempts; an answer with webhook-delivery: abort-message ends them.
// POST /_sim/change {"do":VERB,...}; answers {"result":{"id",..},"events":[..]}
//   customer.create {customer}, customer.update {id,set}           no event
//   subscription.create {subscription:{customer_id,..},version}    no event
//   subscription.activate, .start, .update {set}, .schedule_cancel {at,reason},
//     .cancel {reason,description}, .version {version,pending}: {id}
//   subscription.renew {id}                                        no event
//   invoice.create {invoice:{customer_id,total,..}}                no event
//   invoice.issue {id}; invoice.pay {id,amount}: payment.created, payment.updated, invoice.paid
//   invoice.overdue, .void, .cancel {id}, .update {id,set}         no event
//   line_item.delete {invoice_id,line_item_id}
//   payment.start {invoice_id,amount}, payment.succeed {id}, payment.fail {id,reason}
//   refund.create {payment_id,amount} (no event), refund.update {id,status}
//   credit_note.create {customer_id,total,..}, .update {id,set}    no event
//   credits.grant {customer_id,type,amount,currency}, credits.deplete {customer_id}, checkout {customer_id}
//   set {kind,id,set}, add {kind,row}, remove {kind,id}: in silence, updated_at stays
//   event {type,data,timestamp}: any event

import { runCommand } from './common/command.mjs';
import { Alguna } from './alguna/world.mjs';

await runCommand(Alguna);

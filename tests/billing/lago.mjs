// A strict Lago for tests, without any dependency: REST API and webhooks.
//
//   node tests/billing/lago.mjs --port 0 [--port-file FILE] [--settings JSON] [--load FILE]
//
// Listens on 127.0.0.1; the API is below /api/v1, the key is lago-sim-key.
// Tests steer it below /_sim/: what all simulators have stands at the head of
// common/control.mjs, deliveries in common/outbox.mjs, settings in
// lago/settings.mjs (rate_limit 0 is a self-hosted Lago).
//
// POST /_sim/load      members, in this order: organization, customers, plans,
//   subscriptions, invoices (list or show form), credit_notes, payments,
//   payment_requests, payment_receipts, wallets, webhook_endpoints,
//   activity_logs; rows as the API shows them; a member may be one row.
// POST /_sim/generate  {"customers":N,"seed":S}: see lago/made.mjs.
// POST /_sim/deliver   also "algo":"hmac"|"jwt".  Without "url" it goes to the
//   registered webhook endpoints, each with its algorithm, filter and key.
// POST /_sim/change {"do":VERB,...}; answers {"result":{"lago_id",..},"events":[..]}
//   customer.upsert {customer:{external_id,..}}     customer.delete {external_id}
//   customer.event {external_id,type}               any customer.* event, nothing changes
//   A subscription is named by lago_id or external_id:
//   subscription.create {subscription:{external_id,external_customer_id,plan_code,
//     status: active|pending|incomplete,..}}
//   subscription.start, .update {set:{}}, .upgrade {plan_code}, .downgrade {plan_code},
//     .advance, .terminate, .cancel {reason}, .trial_end, .termination_alert
//   An invoice is named by lago_id:
//   invoice.create {external_customer_id,subscriptions:[ids],fees:[{amount_cents,taxes_rate}],
//     invoice:{status: finalized|draft|closed, invoice_type,..}}
//   invoice.finalize, .generate, .ready, .resync, .overdue, .delete, .void, .fail,
//     .refresh {fees}, .pay {amount_cents,type: provider|manual,reference},
//     .pay_fail {first: true|false}, .dispute_lost {reason}, .metadata {metadata:[{key,value}]}
//   payment.requires_action {lago_id of the invoice}
//   payment_request.create {lago_invoice_ids}, .pay {lago_id}, .fail {lago_id}
//   credit_note.create {lago_invoice_id,credit,refund,offset,reason}; .void, .refund_succeed,
//     .refund_fail, .consume {amount_cents} {lago_id}
//   plan.create {plan}, plan.update {code,set}, plan.delete {code}
//   set {kind,lago_id,set}, add {kind,row}, remove {kind,lago_id}: in silence
//   event {webhook_type,object_type,object}: any event
// Where Lago sends nothing, nothing is sent (partial manual payment, deletion
// of a customer, later states of a credit note, metadata ...).

import { runCommand } from './common/command.mjs';
import { Lago } from './lago/world.mjs';

await runCommand(Lago);

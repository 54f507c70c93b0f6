// A strict LostChurn for tests, without any dependency: REST API (both
// editions) and webhooks.
//
//   node tests/billing/lostchurn.mjs --port 0 [--port-file FILE] [--settings JSON] [--load FILE]
//
// Listens on 127.0.0.1.  Setting "edition" 1: API below /v1; 2: below /api/v1,
// with X-API-Key, X-RateLimit headers, cursors, CODES in capitals, ids pe_...
// Keys: lc_test_sim (all), lc_test_readonly, lc_test_writeonly,
// lc_test_elsewhere (another address), lc_pub_sim (publishable).
// Tests steer it below /_sim/: what all simulators have stands at the head of
// common/control.mjs, deliveries in common/outbox.mjs, settings in
// lostchurn/settings.mjs (read_limit 0: no limit).
//
// POST /_sim/load      members customers (also mrr, churn_risk_score),
//   payments (also recovery_id); rows as the API of either edition shows them.
// POST /_sim/generate  {"customers":N,"seed":S}: see lostchurn/made.mjs.
// POST /_sim/deliver   also "secret": another than the signing secret.  "url" is needed.
// POST /_sim/change {"do":VERB,...}; answers {"result":{"id",..},"events":[..]}
//   A recovery is named by the id of its payment:
//   recovery.start {customer_id | customer:{email,name}, payment:{amount,currency,..}}
//   recovery.retry {id,result,next_retry_at}   recovery.escalate {id,reason}
//   recovery.succeed {id,recovered_amount,method}   recovery.fail {id,reason}
//   campaign {id,kind: sent|opened|clicked|bounced|unsubscribed, ..}: sends, changes nothing
//   customer.payment_method {customer_id}   customer.retain {customer_id,offer,reason}
//   customer.cancel {customer_id,subscription_id,reason,feedback,mrr_lost,currency}
//   set {kind,id,set}, add {kind,row}, remove {kind,id}: in silence
//   event {type,data,id,created_at}: any event

import { runCommand } from './common/command.mjs';
import { LostChurn } from './lostchurn/world.mjs';

await runCommand(LostChurn);

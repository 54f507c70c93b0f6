/*
 * Automations at work: objects that changed, or whose time has come, are shown
 * to the rules of their connection (auto/decide.h); what those want is brought
 * into the mirror as actions, which are mapped and pushed like everything else.
 */
#ifndef SYNC_AUTOMATE_H
#define SYNC_AUTOMATE_H

#include "state/alert.h"
#include "state/automation.h"
#include "sync/sync.h"

/* All that is marked; outcome->again_ms: when the time alone will change something. */
int automate_run(const struct sync_context *context, struct sync_outcome *outcome,
    struct bh_err *err);

/* The alert that an action raises where it is to tell people; of: the action, or what it is about. */
void automate_alert_key(char key[ALERT_KEY_MAX], const struct mirror_id *of, const char *action);
/* Is it such an alert's?  code: of the rule that raised it. */
bool is_automate_alert(const char *key, char code[ALERT_KEY_MAX]);

/* What rules decided about erased objects is forgotten, and none of it counts as open any more: 0, -1. */
int automate_forget(struct store_txn *txn, const struct mirror_id *ids, size_t n,
    struct bh_err *err);

/*
 * A dispute is told without its customer, but for the payment that it is about: that one's
 * customer becomes a member of fields (of the object id; NULL nothing is done), as rules see it.
 */
int automate_know_customer(struct store_txn *txn, const struct mirror_id *id, json_t *fields,
    struct bh_err *err);

#endif

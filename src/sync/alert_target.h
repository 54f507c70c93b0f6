/* Is a target of alerts whole?  For whoever saves one; calls nobody. */
#ifndef SYNC_ALERT_TARGET_H
#define SYNC_ALERT_TARGET_H

#include "state/alert.h"

/* secrets must be open.  -1 BH_INVALID naming the member that lacks or has a wrong value. */
int alert_target_check(const struct alert_target *target, struct bh_err *err);

#endif

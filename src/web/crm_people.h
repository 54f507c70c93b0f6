/* What waits for a person at a CRM: matches to be chosen, CRM accounts without a billing customer. */
#ifndef WEB_CRM_PEOPLE_H
#define WEB_CRM_PEOPLE_H

#include "web/crm_facts.h"

/* Into facts->model; the query's "sync", "object", "account" and "id" tell behind which match the list begins. */
int crm_add_people(struct crm_facts *facts, struct bh_err *err);

/* The row of an import's answer that is this CRM record; NULL.  Borrowed. */
const json_t *crm_import_row(const struct errand *import, const char *remote_id);

#endif

/* A CRM's schema: what of it is there, and what came of making it. */
#ifndef WEB_CRM_SCHEMA_H
#define WEB_CRM_SCHEMA_H

#include "web/crm_facts.h"

/* Plan and report into facts->model. */
int crm_add_schema(struct crm_facts *facts, struct bh_err *err);
/* What an installation or a removal told: "Complete, 12 made." */
json_t *crm_report_text(const struct crm_facts *facts, const struct errand *errand);
bool crm_is_complete(const struct errand *errand);
/* What failed of it: array of {name, code, cause, remedy}; new reference. */
json_t *crm_failed_view(const json_t *report);

#endif

/* What configure_check.c and configure_mapping.c share with configure.c. */
#ifndef SYNC_CONFIGURE_CHECK_H
#define SYNC_CONFIGURE_CHECK_H

#include "base/json.h"

/*
 * The mapping of a sync of a document, its own or its preset's (new reference); *member_r is
 * where it stands, "/mapping" or "/preset".
 */
int configure_mapping(const json_t *sync, const char *preset_dir, const char **member_r,
    json_t **mapping_r, struct bh_err *err);
/* Is it one with these settings (NULL: none)?  0; -1 BH_INVALID. */
int configure_mapping_check(const json_t *mapping, const json_t *settings, struct bh_err *err);
/*
 * All that is wrong with one that stands at place and fits the schema: array of texts
 * "/syncs/0/mapping/objects/1/fields/2: account: Website: unknown transform 'x'" (new reference).
 */
json_t *configure_mapping_faults(const json_t *mapping, const json_t *settings, const char *place);

#endif

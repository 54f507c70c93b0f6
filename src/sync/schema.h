/*
 * Which objects and fields of a CRM the syncs to a connection need, as far as
 * Billhook makes them: the catalogue presets/schema/<driver>.json, cut down to what
 * mappings name, with why.
 */
#ifndef SYNC_SCHEMA_H
#define SYNC_SCHEMA_H

#include "sync/setup.h"

/*
 * New reference in *schema_r: {"permissionSet", "objects": [...]} for dest.h's plan and install,
 * names with the connection's prefix; and "others": [{"object", "field", "why"}], fields that
 * mappings name and the catalogue does not hold: the CRM's own, or made by hand.
 * -1 BH_INVALID: the catalogue cannot be read, or no sync leads to the connection.
 */
int schema_build(const char *preset_dir, const struct setup *setup,
    const struct setup_connection *connection, json_t **schema_r, struct bh_err *err);

/* The whole catalogue with the connection's prefix, for taking everything away. */
int schema_catalogue(const char *preset_dir, const struct setup_connection *connection,
    json_t **schema_r, struct bh_err *err);

#endif

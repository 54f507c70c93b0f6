/* Steps of destinations' conversations that let somebody in, look for records, read and delete them, ask for owners and ties. */
#ifndef TESTS_UNIT_WIRE_LOOK_H
#define TESTS_UNIT_WIRE_LOOK_H

#include "dest/dest.h"
#include "wire.h"

/*
 * Run the step where it is one of these; false otherwise.  *given_r (new
 * reference, NULL after a failure): what the call gave, for "=given".
 */
bool wire_look(struct wire *wire, const struct dest_driver *driver, struct dest_config *config,
    int *rc_r, json_t **given_r, struct bh_err *err);

#endif

/*
 * Calls of Salesforce's metadata service: SOAP envelopes to and from JSON.  An
 * element is a member of that name: its text, or an object of the elements
 * inside; one that repeats is an array.  "@type" is the attribute xsi:type.
 * The only home of libxml2.
 */
#ifndef DEST_SOAP_H
#define DEST_SOAP_H

#include "base/json.h"

#define SOAP_ANSWER_MAX ((size_t)16 * 1024 * 1024)
#define SOAP_ELEMENTS_MAX 200000

/*
 * Append the envelope of one call.  body's members become elements in their
 * order; JSON null is left out.  What XML cannot hold becomes spaces.  out
 * holds the session afterwards: wipe it.
 */
void soap_write(struct bh_buf *out, const struct bh_secret *session, const char *call,
    const json_t *body);

/*
 * Read an answer of any origin: no DTD, no entities, no network, bounded.
 * 1 and what the call answered (new reference); 0 and a fault: {"code":
 * "INVALID_SESSION_ID", "message"}; -1 BH_INVALID when it is no envelope.  An
 * element with xsi:nil is JSON null, an empty one "".
 */
int soap_read(const char *text, size_t len, json_t **answer_r, struct bh_err *err);

/* The elements of that name, none to many, as an array (new reference). */
json_t *soap_items(const json_t *parent, const char *name);

#endif

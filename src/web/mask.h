/*
 * Headers as they may be stored and shown: once a request is verified, what
 * proved it is of no more use than to tell one delivery from another.
 */
#ifndef WEB_MASK_H
#define WEB_MASK_H

#include "base/buf.h"

/*
 * Append the value of the header name (lower case) as it may be kept: of a
 * signature eight characters of each part ("t=1790000000,v1=5257a869..."), of
 * a key or token nothing but that it was there.  False when it may not be
 * kept at all (Authorization, cookies); nothing is appended then.
 */
bool mask_header(struct bh_buf *out, const char *name, const char *value);

#endif

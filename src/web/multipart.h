/*
 * Forms with files: multipart/form-data (RFC 7578) as browsers write it.  The
 * parser is strict: what a browser would not have sent is refused whole.
 */
#ifndef WEB_MULTIPART_H
#define WEB_MULTIPART_H

#include "web/request.h"

#define MULTIPART_BOUNDARY_MAX 70 /* RFC 2046, 5.1.1 */
#define MULTIPART_NAME_MAX 200
#define MULTIPART_LINE_MAX 1024
#define MULTIPART_HEADERS_MAX 8 /* of one part */

/* Is this value of Content-Type such a form? */
bool multipart_is(const char *content_type);
/*
 * Its parts into fields, at most REQUEST_FIELDS_MAX; of a file the contents, without a mark
 * of byte order.  All must be UTF-8 without NUL.  -1 BH_INVALID and nothing to release.
 */
int multipart_parse(struct request_fields *fields, const char *content_type, const char *body,
    size_t len, struct bh_err *err);

#endif

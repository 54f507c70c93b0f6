/*
 * What a proxy in front of the web server says of a request: X-Forwarded-For,
 * -Proto, -Host.  Anybody can send these headers, so they are believed only
 * when the web server was called by an address that the operator trusts.
 */
#ifndef WEB_PROXY_H
#define WEB_PROXY_H

#include "web/request.h"

/*
 * Correct peer, is_https and host of a request that trusted (a list of
 * networks, see base/address.h) passed on.
 *
 * X-Forwarded-For grows at its end, each proxy adding who called it: from
 * there the first that is not trusted is the client, and what stands in front
 * of it is hearsay.  Of -Proto and -Host the last word is the nearest proxy's.
 */
void proxy_apply(struct request *request, const char *trusted);

#endif

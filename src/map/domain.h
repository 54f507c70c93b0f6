/*
 * Addresses on the net: URLs, hosts, e-mail addresses, and whether a host
 * names a company.  All append to out and answer false when text is no such thing.
 */
#ifndef MAP_DOMAIN_H
#define MAP_DOMAIN_H

#include "base/buf.h"

/* http or https with a host; as it stands, without white space around it. */
bool is_domain_url(const char *text, struct bh_buf *out);
/* The same, and a bare host or host/path gets "https://" in front. */
bool is_domain_website(const char *text, struct bh_buf *out);
/* The host of a URL, website or e-mail address in lower case, without port and trailing dot. */
bool is_domain_host(const char *text, struct bh_buf *out);
/* The first address of a list, trimmed, in lower case. */
bool is_domain_email(const char *text, struct bh_buf *out);
/* The host without "www."; false for IP addresses and providers of free mail. */
bool is_domain_company(const char *text, struct bh_buf *out);

#endif

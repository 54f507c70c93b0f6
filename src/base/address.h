/* Addresses of IP, and lists of networks: pure. */
#ifndef BASE_ADDRESS_H
#define BASE_ADDRESS_H

#include "base/err.h"

#define BH_ADDRESS_TEXT 46 /* the longest, with its NUL */

/* IPv6; an IPv4 address as ::ffff:192.0.2.1, so that both of its forms are one. */
struct bh_address {
	unsigned char bytes[16];
};

/*
 * text[len] as an address, also with a port: 192.0.2.1, 192.0.2.1:80,
 * 2001:db8::1, [2001:db8::1], [2001:db8::1]:80.  False when it is none.
 */
bool bh_is_address(const char *text, size_t len, struct bh_address *address_r);
/* Its usual form into out, which holds BH_ADDRESS_TEXT. */
void bh_address_text(const struct bh_address *address, char *out);

/*
 * A list is addresses and networks (192.0.2.0/24) with spaces or commas
 * between.  0, or -1 BH_INVALID with the one that is neither.
 */
int bh_networks_check(const char *list, struct bh_err *err);
/* Is the address one of them, or in one?  What is neither matches nothing. */
bool bh_is_in_networks(const struct bh_address *address, const char *list);

#endif

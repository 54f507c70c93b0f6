/* Addresses: see address.h. */
#include "base/base.h"

#include "base/address.h"

#include <arpa/inet.h>

#include "base/text.h"

#define SEPARATORS ", \t"
#define MAPPED_BITS 96 /* in front of an IPv4 address */

static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};

static bool
is_ipv4(const char *text, struct bh_address *address)
{
	memcpy(address->bytes, mapped, sizeof(mapped));
	return inet_pton(AF_INET, text, address->bytes + sizeof(mapped)) == 1;
}

/* The address alone: what stands in brackets, or in front of a single colon. */
static size_t
without_port(const char **text, size_t len)
{
	const char *end = len > 0 && **text == '[' ? memchr(*text, ']', len) : NULL;
	const char *colon = memchr(*text, ':', len);

	if (end != NULL) {
		(*text)++;
		return (size_t)(end - *text);
	}
	if (colon != NULL && memchr(colon + 1, ':', len - (size_t)(colon + 1 - *text)) == NULL)
		return (size_t)(colon - *text);
	return len;
}

bool
bh_is_address(const char *text, size_t len, struct bh_address *address_r)
{
	char alone[BH_ADDRESS_TEXT];

	len = without_port(&text, len);
	if (len == 0 || len >= sizeof(alone))
		return false;
	memcpy(alone, text, len);
	alone[len] = '\0';
	return is_ipv4(alone, address_r) || inet_pton(AF_INET6, alone, address_r->bytes) == 1;
}

void
bh_address_text(const struct bh_address *address, char *out)
{
	const unsigned char *bytes = address->bytes;

	out[0] = '\0';
	if (memcmp(bytes, mapped, sizeof(mapped)) == 0)
		inet_ntop(AF_INET, bytes + sizeof(mapped), out, BH_ADDRESS_TEXT);
	else
		inet_ntop(AF_INET6, bytes, out, BH_ADDRESS_TEXT);
}

/* "192.0.2.0/24": the address and how many of its bits count. */
static bool
is_network(const char *text, size_t len, struct bh_address *address, unsigned *bits_r)
{
	const char *slash = memchr(text, '/', len);
	size_t address_len = slash != NULL ? (size_t)(slash - text) : len;
	bool is_short = memchr(text, ':', address_len) == NULL;
	uint64_t bits = is_short ? 32 : 128;

	if (!bh_is_address(text, address_len, address) ||
	    (slash != NULL && !bh_is_uint(slash + 1, len - address_len - 1, bits, &bits)))
		return false;
	*bits_r = (unsigned)bits + (is_short ? MAPPED_BITS : 0);
	return true;
}

static bool
is_equal(const struct bh_address *a, const struct bh_address *b, unsigned bits)
{
	unsigned rest = bits % 8;

	if (memcmp(a->bytes, b->bytes, bits / 8) != 0)
		return false;
	return rest == 0 || (a->bytes[bits / 8] ^ b->bytes[bits / 8]) >> (8 - rest) == 0;
}

int
bh_networks_check(const char *list, struct bh_err *err)
{
	struct bh_address address;
	unsigned bits;
	size_t len;

	for (list += strspn(list, SEPARATORS); *list != '\0';
	     list += len, list += strspn(list, SEPARATORS)) {
		len = strcspn(list, SEPARATORS);
		if (!is_network(list, len, &address, &bits))
			return bh_fail(err, BH_INVALID,
			    "\"%.*s\" is neither an address nor a network like 192.0.2.0/24",
			    (int)(len < 60 ? len : 60), list);
	}
	return 0;
}

bool
bh_is_in_networks(const struct bh_address *address, const char *list)
{
	struct bh_address network;
	unsigned bits;
	size_t len;

	for (list += strspn(list, SEPARATORS); *list != '\0';
	     list += len, list += strspn(list, SEPARATORS)) {
		len = strcspn(list, SEPARATORS);
		if (is_network(list, len, &network, &bits) && is_equal(address, &network, bits))
			return true;
	}
	return false;
}

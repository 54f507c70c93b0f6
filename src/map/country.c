/* Countries by code: see country.h; the list stands in country.def. */
#include "base/base.h"

#include "map/country.h"

#include <strings.h>

static const struct country {
	const char *code, *name;
} countries[] = {
#define COUNTRY(code, name) {code, name},
#include "map/country.def"
#undef COUNTRY
};

static int
compare(const void *code, const void *country)
{
	return strcasecmp(code, ((const struct country *)country)->code);
}

const char *
country_name(const char *code)
{
	const struct country *found =
	    bsearch(code, countries, BH_LEN(countries), sizeof(countries[0]), compare);

	return found != NULL ? found->name : NULL;
}

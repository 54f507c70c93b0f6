/* Countries by ISO 3166 alpha-2 code. */
#ifndef MAP_COUNTRY_H
#define MAP_COUNTRY_H

/* The usual English name of a code in either case; NULL when there is none. */
const char *country_name(const char *code);

#endif

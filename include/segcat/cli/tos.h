/*
 * The words for a type of service, as nc -T has them.
 */
#ifndef SEGCAT_CLI_TOS_H
#define SEGCAT_CLI_TOS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * "ef", "af21", "cs5", "lowdelay", ..., or a number (0x for hexadecimal): the whole byte of the IP
 * header. False if it is none, or if it touches the two bits that are ECN's.
 */
bool tos_parse(const char *text, uint8_t *out);

#endif

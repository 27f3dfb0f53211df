/*
 * Fuzz target: the command line. The input is the arguments, each ended by a NUL. They are taken,
 * or they are refused by exactly one line and status 2; what is taken points into them.
 */
#include <stdarg.h>
#include <string.h>

#include "fuzz.h"
#include "segcat/cli/message.h"
#include "segcat/cli/options.h"

#define ARGS_MAX 40

static unsigned messages;

/* In place of the program's: counts, and prints nothing. */
void message(const char *fmt, ...)
{
    char text[1024];
    va_list ap;

    va_start(ap, fmt);
    FUZZ_CHECK(vsnprintf(text, sizeof text, fmt, ap) > 0);
    va_end(ap);
    messages++;
}

static void check_inside(const char *p, const char *args, size_t len)
{
    FUZZ_CHECK(p == NULL || (p >= args && p < args + len));
}

static void check_taken(const struct options *o, const char *args, size_t len)
{
    FUZZ_CHECK(o->mode <= MODE_LIST_OPTIONS && o->time_wait <= TIME_WAIT_NONE);
    FUZZ_CHECK(o->verbose >= 0);
    if (o->mode == MODE_CONNECT || o->mode == MODE_LISTEN)
        FUZZ_CHECK(!(o->v4_only && o->v6_only) && o->port != NULL);
    FUZZ_CHECK(o->mode != MODE_CONNECT || o->host != NULL);
    check_inside(o->host, args, len);
    check_inside(o->port, args, len);
    check_inside(o->source, args, len);
    check_inside(o->source_port, args, len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *const args = malloc(size + 1);
    char name[] = "segcat";
    char *argv[ARGS_MAX + 2] = {name};
    struct options o;
    int argc = 1, status;

    if (args == NULL)
        return 0;
    if (size > 0)
        memcpy(args, data, size);
    args[size] = '\0';
    for (size_t at = 0; at < size && argc <= ARGS_MAX; at += strlen(args + at) + 1)
        argv[argc++] = args + at;
    messages = 0;
    status = options_parse(argc, argv, &o);
    FUZZ_CHECK(status == EXIT_OK || status == EXIT_USAGE);
    FUZZ_CHECK(messages == (status == EXIT_USAGE ? 1U : 0U));
    if (status == EXIT_OK)
        check_taken(&o, args, size + 1);
    free(args);
    return 0;
}

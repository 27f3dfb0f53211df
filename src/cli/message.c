/*
 * Messages to the user. Writes to stderr and nowhere else.
 */
#include "segcat/cli/message.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "segcat/trace/format.h"

void message(const char *fmt, ...)
{
    static const char name[] = "segcat: ";
    char raw[1024], text[1280];
    const int error = errno;
    va_list ap;
    size_t len;

    va_start(ap, fmt);
    vsnprintf(raw, sizeof raw, fmt, ap);
    va_end(ap);
    memcpy(text, name, sizeof name);
    format_printable(raw, text + strlen(name), sizeof text - sizeof name);
    len = strlen(text);
    text[len++] = '\n';
    while (write(STDERR_FILENO, text, len) < 0 && errno == EINTR)
        continue;
    errno = error;
}

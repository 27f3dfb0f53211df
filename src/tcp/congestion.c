/*
 * What all congestion controls share: the initial window, and finding one by name. Pure.
 */
#include "segcat/tcp/congestion.h"

#include <stddef.h>

static const struct congestion_ops *const all[] = {&congestion_reno};

void congestion_init(struct congestion *c, const struct congestion_ops *ops, uint32_t mss)
{
    /* RFC 6928 section 2: min(10*MSS, max(2*MSS, 14600)). */
    uint32_t iw = 2 * mss > 14600 ? 2 * mss : 14600;

    if (iw > 10 * mss)
        iw = 10 * mss;
    *c = (struct congestion){.ops = ops, .mss = mss, .cwnd = iw, .ssthresh = UINT32_MAX};
    ops->init(c);
}

static bool same(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b)
        a++, b++;
    return *a == *b;
}

const struct congestion_ops *congestion_by_name(const char *name)
{
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (same(all[i]->name, name))
            return all[i];
    return NULL;
}

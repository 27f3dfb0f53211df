/*
 * Relative sequence numbers. Touches its arguments only.
 */
#include "segcat/trace/relative.h"

void relative_start(struct relative *r, seq_t first)
{
    if (r->known && r->first == first)
        return;
    *r = (struct relative){.known = true, .first = first, .near = first, .at = 0};
}

void relative_move(struct relative *r, seq_t seq)
{
    if (!r->known)
        return;
    r->at = relative_of(r, seq);
    r->near = seq;
}

int64_t relative_of(const struct relative *r, seq_t seq)
{
    return r->known ? r->at + seq_diff(seq, r->near) : 0;
}

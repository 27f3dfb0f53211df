/*
 * SYN cookies (RFC 4987 section 3.6): a SYN answered without keeping anything, and the ACK of that
 * answer taken for a connection. What would have been kept stands in our ISN and in our timestamp,
 * under a hash that only we can make. Pure.
 */
#ifndef SEGCAT_TCP_SYNCOOKIE_H
#define SEGCAT_TCP_SYNCOOKIE_H

#include "segcat/tcp/tcb.h"

/* A cookie is good in the step of the clock that made it and in the next: 67 to 134 s. */
#define COOKIE_STEP  ((usec_t)1 << 26)
#define COOKIE_STEPS 2

/*
 * The SYN,ACK for a SYN that LISTEN has accepted: what tcb_open_passive() with this configuration
 * would have sent, but for the ISN and the lowest bits of the timestamp. Without timestamps in the
 * SYN nothing but the MSS is agreed. No memory of cfg is touched, nobody observes.
 */
void syncookie_answer(const struct tcb_config *cfg, const struct segment *syn,
                      struct segment *reply, usec_t now);

/*
 * True if ack acknowledges a cookie of this configuration's key and endpoints that is not too old:
 * *syn is then the SYN again, as far as it was kept, for tcb_open_cookie().
 */
bool syncookie_check(const struct tcb_config *cfg, const struct segment *ack, struct segment *syn,
                     usec_t now);

/*
 * The connection that the ACK of a cookie makes: opened by *syn, our SYN,ACK sent and now
 * acknowledged. ESTABLISHED, and whatever text and FIN came with the ACK are taken.
 */
void tcb_open_cookie(struct tcb *t, const struct tcb_config *cfg, const struct segment *syn,
                     const struct segment *ack, usec_t now);

#endif

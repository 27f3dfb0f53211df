/*
 * stayroot COMMAND...: runs COMMAND so that it cannot leave its user id. In a user namespace of one
 * id tcpdump, being root, wants to become another user, cannot, and gives up; here it is told that
 * it has.
 */
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char *argv[])
{
    static const int calls[] = {
        SCMP_SYS(setgroups), SCMP_SYS(setuid),    SCMP_SYS(setgid),    SCMP_SYS(setreuid),
        SCMP_SYS(setregid),  SCMP_SYS(setresuid), SCMP_SYS(setresgid),
    };
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
    int rc = ctx ? 0 : -ENOMEM;

    if (argc < 2) {
        fprintf(stderr, "usage: stayroot COMMAND...\n");
        return 2;
    }
    for (size_t i = 0; rc == 0 && i < sizeof(calls) / sizeof(calls[0]); i++)
        rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(0), calls[i], 0);
    if (rc == 0)
        rc = seccomp_load(ctx);
    if (rc < 0) {
        fprintf(stderr, "stayroot: seccomp: %s\n", strerror(-rc));
        return 1;
    }
    execvp(argv[1], argv + 1);
    fprintf(stderr, "stayroot: %s: %s\n", argv[1], strerror(errno));
    return 127;
}

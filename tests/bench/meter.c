/*
 * meter: reads its input to the end and says when it came: a line "TIME BYTES" for each tenth of a
 * second in which something did, then "end TIME BYTES" with what became of it: "same" if these are
 * the bytes of FILE, "different" if they are not, "unknown" without FILE. TIME is seconds since
 * 1970. For tests/bench/loss.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PIPE_BYTES = 1 << 20, CHUNK = 256 << 10 };

static double clock_now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_REALTIME, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static const uint8_t *map(const char *path, uint64_t *size)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    void *p = MAP_FAILED;

    if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0) {
        *size = (uint64_t)st.st_size;
        p = mmap(NULL, *size, PROT_READ, MAP_SHARED, fd, 0);
    }
    if (p == MAP_FAILED)
        perror(path);
    return p == MAP_FAILED ? NULL : p;
}

int main(int argc, char *argv[])
{
    static uint8_t chunk[CHUNK];
    const uint8_t *want = NULL;
    uint64_t size = 0, bytes = 0;
    bool same = true;
    double now, next = 0;
    ssize_t n;

    if (argc > 1 && !(want = map(argv[1], &size)))
        return 2;
    fcntl(0, F_SETPIPE_SZ, PIPE_BYTES);
    now = clock_now();
    while ((n = read(0, chunk, sizeof(chunk))) > 0) {
        uint64_t len = (uint64_t)n;

        if (want && (len > size - bytes || memcmp(chunk, want + bytes, len) != 0))
            same = false;
        bytes += len;
        now = clock_now();
        if (now >= next) {
            printf("%.6f %" PRIu64 "\n", now, bytes);
            next = now + 0.1;
        }
        if (!same)
            break;
    }
    if (want && bytes != size)
        same = false;
    printf("end %.6f %" PRIu64 " %s\n", now, bytes,
           !want  ? "unknown"
           : same ? "same"
                  : "different");
    return 0;
}

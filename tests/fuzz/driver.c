/*
 * Runs a fuzz target without libFuzzer, for make check: each file of its corpus, then inputs made
 * from them by a fixed seed. Speaks TAP. The input that is being tried is in a file until it has
 * passed, so that a crash leaves it behind.
 *
 *     fuzz_NAME CORPUS TRIES LAST     or     fuzz_NAME FILE...
 *
 * LAST is the file for the input that is being tried.
 */
#include <dirent.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz.h"

#define INPUT_MAX  4096
#define CORPUS_MAX 4096

struct input {
    size_t len;
    uint8_t *bytes;
};

static struct input corpus[CORPUS_MAX];
static size_t corpus_count;
static uint64_t state = 20261122;

/* SplitMix64. */
static uint64_t random64(void)
{
    uint64_t z = state += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static size_t below(size_t n)
{
    return (size_t)(random64() % n);
}

static void load(const char *path)
{
    FILE *const f = fopen(path, "rb");
    struct input *const in = &corpus[corpus_count];

    if (f == NULL || corpus_count == CORPUS_MAX) {
        printf("Bail out! %s cannot be read, or the corpus has too many files\n", path);
        exit(1);
    }
    in->bytes = malloc(INPUT_MAX);
    if (in->bytes == NULL)
        exit(1);
    in->len = fread(in->bytes, 1, INPUT_MAX, f);
    fclose(f);
    corpus_count++;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* In the order of names: the same inputs follow from the seed on every machine. */
static void load_directory(const char *path)
{
    static char *names[CORPUS_MAX];
    DIR *const d = opendir(path);
    const struct dirent *e;
    size_t n = 0;

    if (d == NULL) {
        printf("Bail out! %s is no directory\n", path);
        exit(1);
    }
    while ((e = readdir(d)) != NULL && n < CORPUS_MAX)
        if (e->d_name[0] != '.')
            names[n++] = strdup(e->d_name);
    closedir(d);
    qsort(names, n, sizeof names[0], by_name);
    for (size_t i = 0; i < n; i++) {
        char file[PATH_MAX];

        snprintf(file, sizeof file, "%s/%s", path, names[i]);
        load(file);
        free(names[i]);
    }
}

/* One small change of the kinds that libFuzzer makes. */
static size_t change(uint8_t *b, size_t len)
{
    const struct input *const other = &corpus[below(corpus_count)];
    const size_t at = below(len + 1), n = 1 + below(16);

    switch (below(7)) {
    case 0:
        if (at < len)
            b[at] = (uint8_t)random64();
        return len;
    case 1:
        if (at < len)
            b[at] ^= (uint8_t)(1U << below(8));
        return len;
    case 2:
        if (at < len)
            b[at] = (uint8_t)(b[at] + (below(2) ? 1 : 255));
        return len;
    case 3: /* leaves out */
        if (len - at <= n)
            return at;
        memmove(b + at, b + at + n, len - at - n);
        return len - n;
    case 4: /* puts in */
        if (len + n > INPUT_MAX)
            return len;
        memmove(b + at + n, b + at, len - at);
        for (size_t i = 0; i < n; i++)
            b[at + i] = (uint8_t)random64();
        return len + n;
    case 5: /* goes on as another one */
        if (other->len <= at)
            return len;
        memcpy(b + at, other->bytes + at, other->len - at);
        return other->len;
    default: /* another one's piece behind it */
        if (other->len == 0 || len + n > INPUT_MAX || other->len < n)
            return len;
        memcpy(b + len, other->bytes + below(other->len - n + 1), n);
        return len + n;
    }
}

/* Under ASan a copy of its own size shows a byte read too far. */
static void try(const uint8_t *b, size_t len)
{
    uint8_t *const exact = malloc(len > 0 ? len : 1);

    if (exact == NULL)
        exit(1);
    memcpy(exact, b, len);
    LLVMFuzzerTestOneInput(exact, len);
    free(exact);
}

static void save(const char *path, const uint8_t *b, size_t len)
{
    FILE *const f = fopen(path, "wb");

    if (f != NULL) {
        fwrite(b, 1, len, f);
        fclose(f);
    }
}

int main(int argc, char *argv[])
{
    static uint8_t b[INPUT_MAX];
    const unsigned long tries = argc > 3 ? strtoul(argv[2], NULL, 10) : 0;
    const char *const last = argc > 3 ? argv[3] : NULL;
    struct stat st;

    if (argc < 2 || stat(argv[1], &st) < 0) {
        fprintf(stderr, "usage: %s CORPUS TRIES LAST | FILE...\n", argv[0]);
        return 2;
    }
    if (!S_ISDIR(st.st_mode)) {
        for (int i = 1; i < argc; i++)
            load(argv[i]);
        for (size_t i = 0; i < corpus_count; i++)
            try(corpus[i].bytes, corpus[i].len);
        printf("%zu inputs passed\n", corpus_count);
        return 0;
    }
    if (last == NULL) {
        fprintf(stderr, "%s: how many tries, and which file for the last input?\n", argv[0]);
        return 2;
    }
    load_directory(argv[1]);
    printf("1..2\n# an input that crashes is left in %s\n", last);
    if (corpus_count == 0) {
        printf("Bail out! %s is empty\n", argv[1]);
        return 1;
    }
    for (size_t i = 0; i < corpus_count; i++) {
        save(last, corpus[i].bytes, corpus[i].len);
        try(corpus[i].bytes, corpus[i].len);
    }
    printf("ok 1 - the corpus, %zu inputs\n", corpus_count);
    for (unsigned long i = 0; i < tries; i++) {
        const struct input *const from = &corpus[below(corpus_count)];
        size_t len = from->len;

        memcpy(b, from->bytes, len);
        for (size_t n = 1 + below(6); n > 0; n--)
            len = change(b, len);
        save(last, b, len);
        try(b, len);
    }
    remove(last);
    printf("ok 2 - %lu inputs made from it\n", tries);
    for (size_t i = 0; i < corpus_count; i++)
        free(corpus[i].bytes);
    return 0;
}

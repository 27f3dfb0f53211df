/*
 * What the fuzz targets share. A target is one function over bytes; it runs under libFuzzer (make
 * fuzz) or under driver.c (make check). Bytes are read as a stream that never ends: behind the last
 * come zeros.
 */
#ifndef SEGCAT_TESTS_FUZZ_H
#define SEGCAT_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must hold for every input. */
#define FUZZ_CHECK(cond)                                                              \
    do {                                                                              \
        if (!(cond)) {                                                                \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #cond); \
            abort();                                                                  \
        }                                                                             \
    } while (0)

struct fuzz_input {
    const uint8_t *at;
    size_t left;
};

static inline uint8_t fuzz_u8(struct fuzz_input *in)
{
    if (in->left == 0)
        return 0;
    in->left--;
    return *in->at++;
}

static inline uint16_t fuzz_u16(struct fuzz_input *in)
{
    const uint16_t high = fuzz_u8(in);

    return (uint16_t)(high << 8 | fuzz_u8(in));
}

static inline uint32_t fuzz_u32(struct fuzz_input *in)
{
    const uint32_t high = fuzz_u16(in);

    return high << 16 | fuzz_u16(in);
}

static inline int32_t fuzz_i8(struct fuzz_input *in)
{
    const int32_t v = fuzz_u8(in);

    return v < 128 ? v : v - 256;
}

static inline int32_t fuzz_i16(struct fuzz_input *in)
{
    const int32_t v = fuzz_u16(in);

    return v < 32768 ? v : v - 65536;
}

#endif

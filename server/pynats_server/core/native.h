/* The few primitives that Cython cannot express well: a keyed hash over bytes, decimal
 * formatting and parsing. Everything here is branch-light, allocation-free and total. */
#ifndef PYNATS_NATIVE_H
#define PYNATS_NATIVE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t pn_mix(uint64_t a, uint64_t b) {
    unsigned __int128 r = (unsigned __int128)a * b;
    return (uint64_t)r ^ (uint64_t)(r >> 64);
}

/* Multiply-fold hash, 8 bytes a step, keyed by a per-process random seed so that peers
 * cannot choose colliding subjects. */
static inline uint32_t pn_hash(const char *p, size_t n, uint64_t seed) {
    const uint64_t k1 = 0x9E3779B97F4A7C15ull, k2 = 0xD6E8FEB86659FD93ull;
    uint64_t h = seed ^ (n * k2), w;
    while (n >= 8) {
        memcpy(&w, p, 8);
        h = pn_mix(h ^ w, k1);
        p += 8;
        n -= 8;
    }
    if (n) {
        w = 0;
        memcpy(&w, p, n);
        h = pn_mix(h ^ w, k2);
    }
    h = pn_mix(h ^ seed, k1);
    return (uint32_t)(h ^ (h >> 32));
}

/* Writes v in decimal at out (up to 20 bytes), returns the number of bytes. */
static inline size_t pn_put_uint(char *out, uint64_t v) {
    char tmp[20];
    size_t n = 0, i;
    do {
        tmp[n++] = (char)('0' + v % 10);
        v /= 10;
    } while (v);
    for (i = 0; i < n; i++) out[i] = tmp[n - 1 - i];
    return n;
}

/* Digits only; -1 for anything else, for an empty field, and beyond 9 digits, which no
 * permitted size reaches. */
static inline int64_t pn_get_uint(const char *p, size_t n) {
    int64_t v = 0;
    if (n == 0 || n > 9) return -1;
    for (size_t i = 0; i < n; i++) {
        if (p[i] < '0' || p[i] > '9') return -1;
        v = v * 10 + (p[i] - '0');
    }
    return v;
}

/* xorshift64*: picks queue members; needs speed and spread, not secrecy. */
static inline uint32_t pn_random(uint64_t *state) {
    uint64_t x = *state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return (uint32_t)((x * 0x2545F4914F6CDD1Dull) >> 32);
}

/* A uniformly spread index below n without a division. */
static inline uint32_t pn_below(uint64_t *state, uint32_t n) {
    return (uint32_t)(((uint64_t)pn_random(state) * n) >> 32);
}

#endif

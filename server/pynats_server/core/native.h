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

static inline uint64_t pn_load64(const char *p) {
    uint64_t w;
    memcpy(&w, p, 8);
    return w;
}

static inline uint32_t pn_load32(const char *p) {
    uint32_t w;
    memcpy(&w, p, 4);
    return w;
}

/* Multiply-fold hash, 8 bytes a step, keyed by a per-process random seed so that peers
 * cannot choose colliding subjects. The last step reads the last 8 bytes, some of them for the
 * second time, because copying a variable number of bytes costs a call. */
static inline uint32_t pn_hash(const char *p, size_t n, uint64_t seed) {
    const uint64_t k1 = 0x9E3779B97F4A7C15ull, k2 = 0xD6E8FEB86659FD93ull;
    uint64_t h = seed ^ (n * k2), w;
    if (n >= 8) {
        const char *last = p + n - 8;
        for (; p < last; p += 8) h = pn_mix(h ^ pn_load64(p), k1);
        w = pn_load64(last);
    } else if (n >= 4) {
        w = pn_load32(p) | (uint64_t)pn_load32(p + n - 4) << 32;
    } else if (n) {
        w = (uint64_t)(uint8_t)p[0] | (uint64_t)(uint8_t)p[n >> 1] << 8
            | (uint64_t)(uint8_t)p[n - 1] << 16;
    } else {
        w = 0;
    }
    h = pn_mix(h ^ w, k2);
    h = pn_mix(h ^ seed, k1);
    return (uint32_t)(h ^ (h >> 32));
}

/* Whether n bytes are equal; for keys, which are short. */
static inline int pn_equal(const char *a, const char *b, size_t n) {
    size_t i;
    if (n < 8) {
        if (n >= 4)
            return pn_load32(a) == pn_load32(b) && pn_load32(a + n - 4) == pn_load32(b + n - 4);
        return n == 0 || (a[0] == b[0] && a[n >> 1] == b[n >> 1] && a[n - 1] == b[n - 1]);
    }
    for (i = 0; i + 8 < n; i += 8)
        if (pn_load64(a + i) != pn_load64(b + i)) return 0;
    return pn_load64(a + n - 8) == pn_load64(b + n - 8);
}

/* memcpy without a call for the lengths of subjects and subscription ids. */
static inline void pn_copy(char *to, const char *from, size_t n) {
    if (n > 32) {
        memcpy(to, from, n);
    } else if (n >= 16) {
        char tail[16];
        memcpy(tail, from + n - 16, 16);
        memcpy(to, from, 16);
        memcpy(to + n - 16, tail, 16);
    } else if (n >= 8) {
        uint64_t tail = pn_load64(from + n - 8);
        memcpy(to, from, 8);
        memcpy(to + n - 8, &tail, 8);
    } else if (n >= 4) {
        uint32_t tail = pn_load32(from + n - 4);
        memcpy(to, from, 4);
        memcpy(to + n - 4, &tail, 4);
    } else if (n) {
        char middle = from[n >> 1], last = from[n - 1];
        to[0] = from[0];
        to[n >> 1] = middle;
        to[n - 1] = last;
    }
}

/* The first byte at or after p that is a blank or a control character, or end when it is not
 * certain that there is one before it (the last 7 bytes are not looked at). */
static inline const char *pn_word_end(const char *p, const char *end) {
    const uint64_t ones = 0x0101010101010101ull;
    uint64_t w, low;
    for (; end - p >= 8; p += 8) {
        w = pn_load64(p);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        w = __builtin_bswap64(w);
#endif
        /* Bit 7 of each byte below 0x21; a borrow can only set bits above the first such byte. */
        low = (w - ones * 0x21) & ~w & ones * 0x80;
        if (low) return p + (__builtin_ctzll(low) >> 3);
    }
    return end;
}

/* Whether two dots stand side by side. */
static inline int pn_has_gap(const char *p, size_t n) {
    const uint64_t ones = 0x0101010101010101ull;
    uint64_t w, v;
    size_t i = 0;
    for (; i + 9 <= n; i += 8) {
        w = pn_load64(p + i) ^ ones * '.';
        v = pn_load64(p + i + 1) ^ ones * '.';
        w |= v; /* a byte is zero where it and its neighbour are dots */
        if ((w - ones) & ~w & ones * 0x80) return 1;
    }
    for (; i + 1 < n; i++)
        if (p[i] == '.' && p[i + 1] == '.') return 1;
    return 0;
}

/* Writes v in decimal at out (up to 20 bytes), returns the number of bytes. */
static const char pn_pairs[201] =
    "0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849"
    "5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899";

static inline size_t pn_put_uint(char *out, uint64_t v) {
    char tmp[20];
    size_t at = 20, n;
    while (v >= 100) {
        uint64_t rest = v / 100;
        at -= 2;
        memcpy(tmp + at, pn_pairs + (v - rest * 100) * 2, 2);
        v = rest;
    }
    if (v >= 10) {
        at -= 2;
        memcpy(tmp + at, pn_pairs + v * 2, 2);
    } else {
        tmp[--at] = (char)('0' + v);
    }
    n = 20 - at;
    pn_copy(out, tmp + at, n);
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

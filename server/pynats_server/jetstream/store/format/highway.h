/* HighwayHash-64 (Alakuijala, Cox, Wassenberg 2016), four 64-bit lanes at a time.
 *
 * The lanes are written as GCC/Clang vector types, so the same text compiles to AVX2 where the
 * CPU has it (chosen once at load time through target_clones) and to plain code elsewhere.
 * Checked against the published vectors in tests/unit/jetstream/store/test_highway.py.
 */
#ifndef PYNATS_HIGHWAY_H
#define PYNATS_HIGHWAY_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint64_t hw_lanes __attribute__((vector_size(32)));
typedef uint8_t hw_bytes __attribute__((vector_size(32)));

typedef struct {
    hw_lanes v0, v1, mul0, mul1;
} hw_state;

/* One contiguous piece of the hashed message. */
typedef struct {
    const uint8_t *data;
    size_t size;
} hw_piece;

#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__)
#define HW_CLONES __attribute__((target_clones("avx2", "default")))
#else
#define HW_CLONES
#endif

static inline __attribute__((always_inline)) hw_lanes hw_zipper(hw_lanes v) {
    /* The byte order the authors publish for one pair of lanes, applied to both pairs. */
    const hw_bytes order = {3, 12, 2, 5, 14, 1, 15, 0, 11, 4, 10, 13, 9, 6, 8, 7,
                            19, 28, 18, 21, 30, 17, 31, 16, 27, 20, 26, 29, 25, 22, 24, 23};
#if defined(__clang__)
    hw_bytes in = (hw_bytes)v, out;
    for (int i = 0; i < 32; i++) out[i] = in[order[i]];
    return (hw_lanes)out;
#else
    return (hw_lanes)__builtin_shuffle((hw_bytes)v, order);
#endif
}

static inline __attribute__((always_inline)) void hw_mix(hw_state *s, hw_lanes packet) {
    const hw_lanes low = {0xffffffffu, 0xffffffffu, 0xffffffffu, 0xffffffffu};
    s->v1 += packet + s->mul0;
    s->mul0 ^= (s->v1 & low) * (s->v0 >> 32);
    s->v0 += s->mul1;
    s->mul1 ^= (s->v0 & low) * (s->v1 >> 32);
    s->v0 += hw_zipper(s->v1);
    s->v1 += hw_zipper(s->v0);
}

static inline __attribute__((always_inline)) hw_lanes hw_read(const uint8_t *p) {
    hw_lanes packet;
    memcpy(&packet, p, 32); /* little endian, as the definition asks */
    return packet;
}

static inline __attribute__((always_inline)) void hw_remainder(
        hw_state *s, const uint8_t *tail, size_t size) {
    uint8_t packet[32] = {0};
    size_t whole = size & ~(size_t)3, rest = size & 3;
    uint64_t both = ((uint64_t)size << 32) + size;
    hw_lanes add = {both, both, both, both};
    s->v0 += add;
    uint32_t half[8];
    memcpy(half, &s->v1, 32);
    for (int i = 0; i < 8; i++)
        half[i] = (half[i] << size) | (half[i] >> (32 - size)); /* size is 1..31 here */
    memcpy(&s->v1, half, 32);
    memcpy(packet, tail, whole);
    if (size & 16) {
        memcpy(packet + 28, tail + size - 4, 4);
    } else if (rest) {
        packet[16] = tail[whole];
        packet[17] = tail[whole + (rest >> 1)];
        packet[18] = tail[size - 1];
    }
    hw_mix(s, hw_read(packet));
}

/* Hash of the concatenation of `count` pieces under a 32-byte key. */
HW_CLONES
static uint64_t hw_hash64(const uint8_t *key, const hw_piece *pieces, int count) {
    const hw_lanes init0 = {0xdbe6d5d5fe4cce2full, 0xa4093822299f31d0ull,
                            0x13198a2e03707344ull, 0x243f6a8885a308d3ull};
    const hw_lanes init1 = {0x3bd39e10cb0ef593ull, 0xc0acf169b5f18a8cull,
                            0xbe5466cf34e90c6cull, 0x452821e638d01377ull};
    hw_lanes k = hw_read(key);
    hw_state s = {init0 ^ k, init1 ^ ((k >> 32) | (k << 32)), init0, init1};
    uint8_t held[32];
    size_t have = 0;
    for (int i = 0; i < count; i++) {
        const uint8_t *p = pieces[i].data;
        size_t n = pieces[i].size;
        if (have) {
            size_t take = 32 - have < n ? 32 - have : n;
            memcpy(held + have, p, take);
            have += take, p += take, n -= take;
            if (have < 32) continue;
            hw_mix(&s, hw_read(held));
            have = 0;
        }
        for (; n >= 32; p += 32, n -= 32) hw_mix(&s, hw_read(p));
        if (n) memcpy(held, p, n);
        have = n;
    }
    if (have) hw_remainder(&s, held, have);
    for (int i = 0; i < 4; i++) {
        hw_lanes turned = {s.v0[2], s.v0[3], s.v0[0], s.v0[1]};
        hw_mix(&s, (turned >> 32) | (turned << 32));
    }
    return s.v0[0] + s.v1[0] + s.mul0[0] + s.mul1[0];
}

#endif

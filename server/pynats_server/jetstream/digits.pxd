"""Decimal numbers, eight digits at a time, for text that is made for every message.

Theory of operation. Eight digits lie side by side in one word: 4 + 4 of them, then four pairs, then
eight single digits, are split with three multiplications, and zeros in front are shifted out.
"""
from libc.stdint cimport uint32_t, uint64_t

cdef extern from *:
    """
    #include <stdint.h>
    #include <string.h>

    /* The digits of v < 10^8 as numbers 0 to 9, the first one in the lowest byte. */
    static inline uint64_t pn_eight(uint32_t v) {
        uint64_t high, x = (v / 10000) | (uint64_t)(v % 10000) << 32;
        high = ((x * 10486) >> 20) & 0x0000007F0000007Full;
        x = high | (x - high * 100) << 16;
        high = ((x * 103) >> 10) & 0x000F000F000F000Full;
        return high | (x - high * 10) << 8;
    }

    static inline void pn_store_eight(char *out, uint64_t x) {
    #if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        x = __builtin_bswap64(x);
    #endif
        memcpy(out, &x, 8);
    }

    static inline size_t pn_digits_short(char *out, uint32_t v) {
        uint64_t x = pn_eight(v);
        unsigned zeros = v ? __builtin_ctzll(x) & ~7u : 56;
        pn_store_eight(out, (x | 0x3030303030303030ull) >> zeros);
        return 8 - (zeros >> 3);
    }

    static inline size_t pn_digits(char *out, uint64_t v) {
        const uint64_t unit = 100000000;
        size_t n;
        if (v < unit) return pn_digits_short(out, (uint32_t)v);
        if (v < unit * unit) {
            n = pn_digits_short(out, (uint32_t)(v / unit));
        } else {
            n = pn_digits_short(out, (uint32_t)(v / (unit * unit)));
            pn_store_eight(out + n, pn_eight((uint32_t)(v / unit % unit)) | 0x3030303030303030ull);
            n += 8;
        }
        pn_store_eight(out + n, pn_eight((uint32_t)(v % unit)) | 0x3030303030303030ull);
        return n + 8;
    }

    static inline void pn_digits_eight(char *out, uint32_t v) {
        pn_store_eight(out, pn_eight(v) | 0x3030303030303030ull);
    }
    """
    # Writes v and returns its length; up to DIGITS_SLACK bytes behind it are written, too.
    size_t put_digits "pn_digits"(char* out, uint64_t v) noexcept nogil
    # Writes exactly eight digits of v < 10^8.
    void put_eight "pn_digits_eight"(char* out, uint32_t v) noexcept nogil

cdef enum:
    DIGITS_SLACK = 7

/* The server's side of a websocket (RFC 6455), as far as an echo of one message at a time needs it: Sec-WebSocket-Accept,
 * and frames that are unmasked while they come in. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { FRAME_START = 14, MOST_ECHOED = 1024 * 1024 + 64 };

static uint32_t rotated(uint32_t word, int bits) { return word << bits | word >> (32 - bits); }

static void sha1_block(uint32_t state[5], const unsigned char *block) {
    uint32_t w[80], a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 | (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
    for (int i = 16; i < 80; i++) w[i] = rotated(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    for (int i = 0; i < 80; i++) {
        uint32_t mixed = i < 20 ? ((b & c) | (~b & d)) + 0x5a827999
                       : i < 40 ? (b ^ c ^ d) + 0x6ed9eba1
                       : i < 60 ? ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc
                                : (b ^ c ^ d) + 0xca62c1d6;
        uint32_t next = rotated(a, 5) + mixed + e + w[i];
        e = d, d = c, c = rotated(b, 30), b = a, a = next;
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d, state[4] += e;
}

/* Sec-WebSocket-Accept, 28 characters and an end, for a key of 24 (section 4.2.2). */
static void accept_for(const char *key, char accept[29]) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned char text[128] = {0}, digest[21] = {0};
    uint32_t state[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
    memcpy(text, key, 24);
    memcpy(text + 24, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11", 36);
    text[60] = 0x80;
    text[126] = 60 * 8 >> 8, text[127] = (unsigned char)(60 * 8); /* bits */
    sha1_block(state, text);
    sha1_block(state, text + 64);
    for (int i = 0; i < 20; i++) digest[i] = (unsigned char)(state[i / 4] >> (24 - 8 * (i % 4)));
    for (int i = 0; i < 7; i++) {
        uint32_t three = (uint32_t)digest[3 * i] << 16 | (uint32_t)digest[3 * i + 1] << 8 | digest[3 * i + 2];
        for (int j = 0; j < 4; j++) accept[4 * i + j] = digits[three >> (18 - 6 * j) & 63];
    }
    accept[27] = '=';
    accept[28] = 0;
}

typedef struct {
    unsigned char mask[4];
    size_t have, size;                             /* of the answer: its start and payload */
    uint64_t seen, payload;                        /* bytes of the frame's payload */
    char answer[MOST_ECHOED];
} echo;

/* Parses the start of a frame; returns its length, 0 if it is incomplete, -1 if it is a frame that is not echoed. */
static int begin_frame(echo *e, const unsigned char *at, size_t size) {
    if (size < 2) return 0;
    int extra = (at[1] & 127) == 126 ? 2 : (at[1] & 127) == 127 ? 8 : 0;
    if (!(at[1] & 128)) return -1;
    if (size < (size_t)(6 + extra)) return 0;
    e->payload = extra ? 0 : at[1] & 127;
    for (int i = 0; i < extra; i++) e->payload = e->payload << 8 | at[2 + i];
    if (e->payload > MOST_ECHOED - FRAME_START) return -1;
    memcpy(e->mask, at + 2 + extra, 4);
    memcpy(e->answer, at, (size_t)(2 + extra));
    e->answer[1] &= 127;
    e->have = (size_t)(2 + extra);
    e->size = e->have + (size_t)e->payload;
    e->seen = 0;
    return 6 + extra;
}

static void unmask(echo *e, const char *from, size_t size) {
    char *to = e->answer + e->have;
    for (size_t i = 0; i < size; i++) to[i] = (char)(from[i] ^ e->mask[(e->seen + i) & 3]);
    e->have += size, e->seen += size;
}

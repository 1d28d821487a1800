/* The server of the benchmarks: one thread, epoll, responses made beforehand, so that it is never slower than the client.
 *
 * usage: server FOLDER CERTIFICATE KEY NAME...
 *
 * Every NAME is a file in FOLDER with a whole response; GET /NAME sends it unchanged. If NAME.body exists too, NAME has the
 * head only and NAME.body the body (plain connections only). Three more targets:
 *     POST /sink     reads the body (sized or chunked) and answers {"received": BYTES}
 *     GET  /stats    answers {"accepts": CONNECTIONS SO FAR}
 *     GET  /ws       opens a websocket that echoes one message at a time, each in one frame
 * Listens on two free ports of 127.0.0.1 and prints them: plain and TLS. TLS is 0 when CERTIFICATE is "-" or no libssl
 * is found. It ends at the end of its standard input. No pipelining: a second request before the response ends the connection.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tls.h"
#include "websocket.h"

enum { WORK = 256 * 1024, HELD = 16 * 1024, SCRATCH = 512, MOST_ANSWERS = 16 };
enum phase { HEAD, SIZED, CHUNK_LINE, CHUNK_DATA, CHUNK_END, TRAILERS, FRAME, PAYLOAD };

typedef struct {
    const char *name;
    char *bytes;
    size_t size;
    const char *body;     /* mapped from a file of its own, NULL: the body is in bytes */
    size_t body_size;
    bool closes;          /* its head says Connection: close */
    char *stamp;          /* 16 digits in its head that differ each time, NULL: it is always the same */
} answer;

typedef struct {
    int fd;
    void *tls;            /* NULL on plain connections */
    bool shaken, closing, blocked, posting;
    enum phase phase;
    const answer *chosen;
    uint64_t left, received;
    const char *out;      /* bytes still to be sent, then those of `body` */
    size_t out_left;
    const char *body;
    size_t body_left;
    size_t held;          /* bytes of an unfinished head, chunk line or start of a frame */
    echo *echo;           /* of a websocket */
    char accept[29];
    char scratch[SCRATCH];
    char hold[HELD];
} peer;

static answer answers[MOST_ANSWERS], sink = {.name = "sink"}, stats = {.name = "stats"}, upgrade = {.name = "ws"};
static int answer_count, poller;
static unsigned long long accepts;
static char work[WORK];

static void fail(const char *what) { perror(what); exit(1); }

static bool pending(const peer *p) { return p->out_left || p->body_left; }

static void drop(peer *p) {
    if (p->tls) tls_end(p->tls);
    close(p->fd);
    free(p->echo);
    free(p);
}

static void await_room(peer *p, bool blocked) {
    if (p->blocked == blocked) return;
    struct epoll_event event = {.events = blocked ? EPOLLOUT : EPOLLIN, .data.ptr = p};
    epoll_ctl(poller, EPOLL_CTL_MOD, p->fd, &event);
    p->blocked = blocked;
}

/* > 0 bytes moved, 0 would block, -1 the connection is gone */
static ssize_t outcome(ssize_t n) { return n > 0 ? n : n < 0 && errno == EAGAIN ? 0 : -1; }
static ssize_t take(peer *p, char *to, size_t room) {
    return p->tls ? tls_take(p->tls, to, room) : outcome(recv(p->fd, to, room, 0));
}
static ssize_t give(peer *p, const char *from, size_t size) {
    return p->tls ? tls_give(p->tls, from, size) : outcome(send(p->fd, from, size, MSG_NOSIGNAL));
}

static bool flush(peer *p) {
    while (pending(p)) {
        if (!p->out_left) p->out = p->body, p->out_left = p->body_left, p->body_left = 0;
        ssize_t n = give(p, p->out, p->out_left);
        if (n < 0) return false;
        if (n == 0) { await_room(p, true); return true; }
        p->out += n, p->out_left -= (size_t)n;
    }
    await_room(p, false);
    return !p->closing;
}

static void stamp(char *digits) {                  /* the number of this response, in hexadecimal */
    static uint64_t count;
    uint64_t left = ++count;
    for (int i = 15; i >= 0; i--, left >>= 4) digits[i] = "0123456789abcdef"[left & 15];
}

static void respond(peer *p) {
    const answer *a = p->chosen;
    p->phase = HEAD;
    p->out = a->bytes;
    p->out_left = a->size;
    p->body = a->body;
    p->body_left = a->body_size;
    if (a->closes) p->closing = true;
    if (a->stamp) stamp(a->stamp);
    if (a->bytes) return;
    if (a == &upgrade) {
        if (!p->echo && !(p->echo = malloc(sizeof *p->echo))) fail("malloc");
        p->phase = FRAME;
        p->out = p->scratch;
        p->out_left = (size_t)snprintf(p->scratch, SCRATCH,
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Accept: %s\r\n\r\n", p->accept);
        return;
    }
    char body[64];
    int size = a == &sink ? snprintf(body, sizeof body, "{\"received\": %llu}", (unsigned long long)p->received)
                          : snprintf(body, sizeof body, "{\"accepts\": %llu}", accepts);
    p->out = p->scratch;
    p->out_left = (size_t)snprintf(p->scratch, SCRATCH,
        "HTTP/1.1 200 OK\r\nServer: bench\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\nContent-Type: application/json\r\n"
        "Content-Length: %d\r\nConnection: %s\r\nX-Request-Id: 5f2b0c6a91d3e847\r\nCache-Control: no-store\r\n"
        "Vary: Accept-Encoding\r\n\r\n%s", size, p->closing ? "close" : "keep-alive", body);
}

static const answer *named(const char *path, size_t size) {
    for (int i = 0; i < answer_count; i++)
        if (strlen(answers[i].name) == size && !memcmp(answers[i].name, path, size)) return &answers[i];
    if (size == 4 && !memcmp(path, "sink", 4)) return &sink;
    if (size == 2 && !memcmp(path, "ws", 2)) return &upgrade;
    return size == 5 && !memcmp(path, "stats", 5) ? &stats : NULL;
}

static const char *value_of(const char *line, const char *name) {
    size_t size = strlen(name);
    if (strncasecmp(line, name, size) || line[size] != ':') return NULL;
    line += size + 1;
    while (*line == ' ') line++;
    return line;
}

/* Handles one request head, which ends with CR LF CR LF; false: the server does not support it. */
static bool read_head(peer *p, const char *head, const char *end) {
    const char *path = memmem(head, (size_t)(end - head), " /", 2), *value;
    if (!path) return false;
    path += 2;
    const char *stop = path;
    while (*stop != ' ' && *stop != '?' && *stop != '\r') stop++;
    if (!(p->chosen = named(path, (size_t)(stop - path)))) return false;
    bool chunked = false;
    p->left = p->received = 0;
    for (const char *line = memchr(stop, '\n', (size_t)(end - stop)); line && ++line < end - 2;
         line = memchr(line, '\n', (size_t)(end - line))) {
        if ((value = value_of(line, "content-length"))) p->left = strtoull(value, NULL, 10);
        else if ((value = value_of(line, "transfer-encoding"))) chunked = !strncasecmp(value, "chunked", 7);
        else if ((value = value_of(line, "sec-websocket-key")) && end - value > 24) accept_for(value, p->accept);
        else if ((value = value_of(line, "connection"))) p->closing = !strncasecmp(value, "close", 5);
        else if (value_of(line, "expect") && give(p, "HTTP/1.1 100 Continue\r\n\r\n", 25) != 25) return false;
    }
    p->phase = chunked ? CHUNK_LINE : SIZED;
    if (!chunked && !p->left) respond(p);
    return true;
}

/* Takes the payload of a frame; sends the frame back once it is complete. */
static const char *take_payload(peer *p, const char *at, const char *end) {
    echo *e = p->echo;
    size_t size = (size_t)(end - at), left = e->size - e->have;
    if (size > left) size = left;
    unmask(e, at, size);
    if (e->have == e->size) {
        p->phase = FRAME;
        p->out = e->answer, p->out_left = e->size;
        p->closing = (e->answer[0] & 15) == 8;     /* a close frame */
    }
    return at + size;
}

/* Takes what it can of `size` bytes; returns how many, -1: drop the connection. */
static ssize_t consume(peer *p, const char *at, size_t size) {
    const char *start = at, *end = at + size, *mark;
    while (at < end) {
        if (pending(p)) return -1;
        size_t rest = (size_t)(end - at);
        if (p->phase == HEAD) {
            if (!(mark = memmem(at, rest, "\r\n\r\n", 4))) break;
            if (!read_head(p, at, mark + 4)) return -1;
            at = mark + 4;
        } else if (p->phase == FRAME) {
            int start = begin_frame(p->echo, (const unsigned char *)at, rest);
            if (start < 0) return -1;
            if (!start) break;
            at += start;
            p->phase = PAYLOAD;
            if (!p->echo->payload) at = take_payload(p, at, at);  /* no byte of it will come */
        } else if (p->phase == PAYLOAD) {
            at = take_payload(p, at, end);
        } else if (p->phase == SIZED || p->phase == CHUNK_DATA) {
            size_t n = rest < p->left ? rest : (size_t)p->left;
            at += n, p->left -= n, p->received += n;
            if (p->left) continue;
            if (p->phase == SIZED) respond(p);
            else p->phase = CHUNK_END;
        } else {                                   /* a line: a chunk's size, its end, a trailer */
            if (!(mark = memchr(at, '\n', rest))) break;
            if (p->phase == CHUNK_LINE) {
                p->left = strtoull(at, NULL, 16);
                p->phase = p->left ? CHUNK_DATA : TRAILERS;
            } else if (p->phase == CHUNK_END) p->phase = CHUNK_LINE;
            else if (mark - at <= 1) respond(p);
            at = mark + 1;
        }
    }
    return at - start;
}

static bool serve(peer *p) {                       /* false: drop it */
    if (p->tls && !p->shaken) {
        int state = tls_shake(p->tls);
        if (state <= 0) return state == 0;
        p->shaken = true;
    }
    if (pending(p)) {
        if (!flush(p)) return false;
        if (pending(p)) return true;
    }
    for (;;) {
        size_t held = p->held, room = WORK - held;
        memcpy(work, p->hold, held);
        ssize_t n = take(p, work + held, room);
        if (n <= 0) return n == 0;
        size_t have = held + (size_t)n;
        ssize_t used = consume(p, work, have);
        if (used < 0 || (p->held = have - (size_t)used) > HELD) return false;
        memcpy(p->hold, work + used, p->held);
        if (pending(p)) {
            if (!flush(p)) return false;
            if (pending(p)) return true;
        }
        if (!p->tls && (size_t)n < room) return true;
    }
}

static void load(const char *folder, const char *name) {
    char path[4096];
    struct stat about;
    if (answer_count == MOST_ANSWERS) fail("too many answers");
    answer *a = &answers[answer_count++];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int fd = open(path, O_RDONLY);
    if (fd < 0 || fstat(fd, &about)) fail(path);
    a->name = name;
    a->size = (size_t)about.st_size;
    a->bytes = malloc(a->size + 1);
    if (!a->bytes || read(fd, a->bytes, a->size) != about.st_size) fail(path);
    close(fd);
    a->closes = memmem(a->bytes, a->size, "\r\nConnection: close\r\n", 21) != NULL;
    if (!strcmp(name, "varied") && (a->stamp = memmem(a->bytes, a->size, "X-Request-Id: ", 14))) a->stamp += 14;
    snprintf(path, sizeof path, "%s/%s.body", folder, name);
    if ((fd = open(path, O_RDONLY)) < 0 || fstat(fd, &about)) return;
    /* Sent from memory: sendfile goes by single pages, which costs the receiver a third more. */
    a->body_size = (size_t)about.st_size;
    a->body = mmap(NULL, a->body_size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
    if (a->body == MAP_FAILED) fail(path);
    close(fd);
}

static int listen_somewhere(int *fd) {             /* returns the port */
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    *fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (bind(*fd, (void *)&address, size) || listen(*fd, 4096) || getsockname(*fd, (void *)&address, &size)) fail("listen");
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = fd};
    epoll_ctl(poller, EPOLL_CTL_ADD, *fd, &event);
    return ntohs(address.sin_port);
}

static void welcome(int listener, bool secure) {
    int fd, on = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        accepts++;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        peer *p = calloc(1, sizeof *p);
        if (!p) fail("calloc");
        p->fd = fd;
        if (secure) p->tls = tls_begin(fd);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = p};
        epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
    }
}

int main(int count, char **words) {
    static int plain = -1, secure = -1, input = 0;
    struct epoll_event events[256], watch = {.events = EPOLLIN, .data.ptr = &input};
    struct rlimit files;
    if (count < 5) return 2;
    signal(SIGPIPE, SIG_IGN);
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    for (int i = 4; i < count; i++) load(words[1], words[i]);
    poller = epoll_create1(0);
    if (epoll_ctl(poller, EPOLL_CTL_ADD, input, &watch)) fail("standard input has to be a pipe");
    int port = listen_somewhere(&plain);
    bool can_tls = strcmp(words[2], "-") && tls_ready(words[2], words[3]);
    printf("%d %d\n", port, can_tls ? listen_somewhere(&secure) : 0);
    fflush(stdout);
    for (;;) {
        int ready = epoll_wait(poller, events, 256, -1);
        for (int i = 0; i < ready; i++) {
            void *who = events[i].data.ptr;
            if (who == &input) return 0;
            if (who == &plain || who == &secure) welcome(*(int *)who, who == &secure);
            else if (!serve(who)) drop(who);
        }
    }
}

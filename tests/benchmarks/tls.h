/* TLS for server.c with the installed libssl, which is loaded when the program starts, so no development files are needed.
 *
 * Only calls whose form has been the same since OpenSSL 1.1.0 are used. Results as in server.c: > 0 done, 0 would
 * block, -1 the connection is gone. It assumes that a handshake or a small response never waits for room to write.
 */
#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

enum { TLS_PEM = 1, TLS_WANTS_READ = 2, TLS_WANTS_WRITE = 3, TLS_SESSION_CACHE = 44 /* SSL_CTRL_SET_SESS_CACHE_MODE */ };

static void *tls_context;
static void *(*tls_new)(void *);
static void (*tls_free)(void *), (*tls_forget_errors)(void);
static int (*tls_set_fd)(void *, int), (*tls_accept)(void *), (*tls_error)(const void *, int);
static int (*tls_read)(void *, void *, int), (*tls_write)(void *, const void *, int);

static bool tls_ready(const char *certificate, const char *key) {
    void *library = dlopen("libssl.so.3", RTLD_NOW);
    if (!library) library = dlopen("libssl.so.1.1", RTLD_NOW);
    if (!library) return false;
    void *(*method)(void), *(*context_new)(void *);
    int (*use_chain)(void *, const char *), (*use_key)(void *, const char *, int), (*set_tickets)(void *, size_t);
    long (*control)(void *, int, long, void *);
    const struct { void *into; const char *name; } wanted[] = {
        {&method, "TLS_server_method"}, {&context_new, "SSL_CTX_new"}, {&control, "SSL_CTX_ctrl"},
        {&use_chain, "SSL_CTX_use_certificate_chain_file"}, {&use_key, "SSL_CTX_use_PrivateKey_file"},
        {&set_tickets, "SSL_CTX_set_num_tickets"}, {&tls_new, "SSL_new"}, {&tls_free, "SSL_free"},
        {&tls_set_fd, "SSL_set_fd"}, {&tls_accept, "SSL_accept"}, {&tls_read, "SSL_read"}, {&tls_write, "SSL_write"},
        {&tls_error, "SSL_get_error"}, {&tls_forget_errors, "ERR_clear_error"},
    };
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        if (!(*(void **)wanted[i].into = dlsym(library, wanted[i].name))) return false;
    tls_context = context_new(method());
    if (!tls_context || use_chain(tls_context, certificate) != 1 || use_key(tls_context, key, TLS_PEM) != 1) return false;
    set_tickets(tls_context, 0);                       /* no resumption: the benchmarks do not compare it */
    control(tls_context, TLS_SESSION_CACHE, 0, NULL);
    return true;
}

static void *tls_begin(int fd) {
    void *session = tls_new(tls_context);
    if (session) tls_set_fd(session, fd);
    return session;
}

static ssize_t tls_outcome(void *session, int n) {
    if (n > 0) return n;
    int error = tls_error(session, n);
    return error == TLS_WANTS_READ || error == TLS_WANTS_WRITE ? 0 : -1;
}

static int tls_shake(void *session) { return (int)tls_outcome(session, tls_accept(session)); }
static ssize_t tls_take(void *session, char *to, size_t room) { return tls_outcome(session, tls_read(session, to, (int)room)); }
static ssize_t tls_give(void *session, const char *from, size_t size) {
    return tls_outcome(session, tls_write(session, from, (int)size));
}

static void tls_end(void *session) {
    tls_free(session);
    tls_forget_errors();                               /* one queue per thread: leave nothing for the next session */
}

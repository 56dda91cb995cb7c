/* TLS of a binlog connection. libmariadb makes the session and logs in; the binlog is then read
 * from OpenSSL's session, which says when it would wait instead of waiting.
 *
 * Invariant: between an answer of the server and the dump the library holds no byte of its own, for
 * the server speaks only when it is asked. */
#include "connectors/mysql/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>

/* The client library shows where its session is only to those who say that they know TLS. */
#define HAVE_TLS 1
typedef unsigned char uchar; /* which its headers use before they name it */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wstrict-prototypes"
#include <ma_pvio.h>
#pragma GCC diagnostic pop

bool mysql_tls_is_known(MYSQL *mysql)
{
    const char *library = NULL;
    return mariadb_get_infov(mysql, MARIADB_TLS_LIBRARY, &library) == 0 && library != NULL &&
           strncmp(library, "OpenSSL", 7) == 0;
}

void *mysql_tls_session(MYSQL *mysql)
{
    if (mysql_get_ssl_cipher(mysql) == NULL || !mysql_tls_is_known(mysql) ||
        mysql->net.pvio == NULL || mysql->net.pvio->ctls == NULL)
        return NULL;
    int fd = (int)mysql_get_socket(mysql);
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0)
        return NULL;
    SSL *session = mysql->net.pvio->ctls->ssl;
    /* A record's head and its bytes in one system call. */
    SSL_set_read_ahead(session, 1);
    return session;
}

TlsState mysql_tls_read(void *session, void *bytes, size_t size, size_t *got, Error *error)
{
    SSL *ssl = session;
    ERR_clear_error();
    errno = 0;
    int result = SSL_read(ssl, bytes, size > INT_MAX ? INT_MAX : (int)size);
    if (result > 0) {
        *got = (size_t)result;
        return TLS_BYTES;
    }
    int saved = errno;
    int problem = SSL_get_error(ssl, result);
    if (problem == SSL_ERROR_WANT_READ)
        return TLS_WAIT_READ;
    if (problem == SSL_ERROR_WANT_WRITE)
        return TLS_WAIT_WRITE;
    if (problem == SSL_ERROR_ZERO_RETURN || (problem == SSL_ERROR_SYSCALL && saved == 0))
        return TLS_CLOSED;
    const char *reason = ERR_reason_error_string(ERR_peek_error());
    error_set(error, ERROR_NETWORK, "the binlog connection was lost: %s",
              problem == SSL_ERROR_SYSCALL ? strerror(saved)
              : reason == NULL             ? "the encryption failed"
                                           : reason);
    return TLS_FAILED;
}

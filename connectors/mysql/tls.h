/* Reading from an encrypted connection without its library waiting, so that a wait can be ended
 * from outside. */
#ifndef CONNECTORS_MYSQL_TLS_H
#define CONNECTORS_MYSQL_TLS_H

#include "connectors/mysql/connection.h"

typedef enum TlsState {
    TLS_BYTES,
    TLS_WAIT_READ,  /* nothing until the socket is readable */
    TLS_WAIT_WRITE, /* nothing until it is writable: keys are being renewed */
    TLS_CLOSED,
    TLS_FAILED /* the error is set */
} TlsState;

/* Whether the client library encrypts with OpenSSL. */
bool mysql_tls_is_known(MYSQL *mysql);
/* The session of an encrypted connection, whose socket does not block from now on; NULL when there
 * is none, or not one of OpenSSL. */
void *mysql_tls_session(MYSQL *mysql);
TlsState mysql_tls_read(void *session, void *bytes, size_t size, size_t *got, Error *error);

#endif

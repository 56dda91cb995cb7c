/* The binlog connection: asks a server for its binlog from a position and gives event after event.
 */
#ifndef CONNECTORS_MYSQL_STREAM_H
#define CONNECTORS_MYSQL_STREAM_H

#include "connectors/mysql/connection.h"

typedef struct MysqlStream MysqlStream;

typedef enum StreamState {
    STREAM_EVENT,
    STREAM_IDLE, /* nothing within the timeout, or woken */
    STREAM_FAILED
} StreamState;

typedef struct StreamRequest {
    const MysqlAddress *address;
    const MysqlServer *server;
    const MysqlPosition *from; /* by GTIDs where they are known, else by file and offset */
    uint32_t server_id;        /* how this reader presents itself */
    int64_t heartbeat_ms;      /* an idle server speaks this often */
    int wake_fd;               /* an eventfd that ends a wait */
} StreamRequest;

/* The error of a refused position names the earliest one there is. */
MysqlStream *mysql_stream_open(const StreamRequest *request, Error *error) MUST_CHECK;
/* The bytes of an event stay valid until the next call. */
StreamState mysql_stream_next(MysqlStream *stream, int64_t timeout_ms, const uint8_t **bytes,
                              size_t *length, Error *error);
void mysql_stream_close(MysqlStream *stream); /* NULL is allowed */

#endif

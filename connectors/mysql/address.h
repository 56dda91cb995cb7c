/* Where a server is and how it is spoken to: the options that all connectors of MySQL share. */
#ifndef CONNECTORS_MYSQL_ADDRESS_H
#define CONNECTORS_MYSQL_ADDRESS_H

#include "connectors/mysql/connection.h"
#include "core/option.h"

/* Lines of a connector's table of options. `hostname` is its own: one of them can do without. */
#define MYSQL_ADDRESS_OPTIONS                                                                      \
    {.name = "port",                                                                               \
     .type = OPTION_INTEGER,                                                                       \
     .fallback = "3306",                                                                           \
     .minimum = 1,                                                                                 \
     .maximum = 65535,                                                                             \
     .doc = "Port of the server."},                                                                \
        {.name = "username", .type = OPTION_TEXT, .required = true, .doc = "User on the server."}, \
        {.name = "password",                                                                       \
         .type = OPTION_SECRET,                                                                    \
         .required = true,                                                                         \
         .doc = "The user's password."},                                                           \
        {.name = "server-time-zone",                                                               \
         .type = OPTION_TEXT,                                                                      \
         .doc = "Zone in which TIMESTAMP columns declared without LTZ are shown; default the "     \
                "session's."},                                                                     \
        {.name = "connect.timeout",                                                                \
         .type = OPTION_DURATION,                                                                  \
         .fallback = "30 s",                                                                       \
         .minimum = 250,                                                                           \
         .maximum = 3600000,                                                                       \
         .doc = "Longest wait for a connection."},                                                 \
        {.name = "tls.mode",                                                                       \
         .type = OPTION_ENUM,                                                                      \
         .fallback = "preferred",                                                                  \
         .values = "disabled|preferred|required|verify-full",                                      \
         .doc = "Encryption of the connection, and whether the server's certificate is "           \
                "checked."},                                                                       \
        {.name = "tls.ca",                                                                         \
         .type = OPTION_TEXT,                                                                      \
         .doc = "File with the certificates of authorities."},                                     \
        {.name = "tls.certificate",                                                                \
         .type = OPTION_TEXT,                                                                      \
         .doc = "File with the client's certificate."},                                            \
    {                                                                                              \
        .name = "tls.key", .type = OPTION_TEXT, .doc = "File with the client's key."               \
    }

/* What they and `hostname` say; borrows the options. */
MysqlAddress mysql_address_of(const Options *options, const OptionSpec *specs);

#endif

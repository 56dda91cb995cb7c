/* What the connector's files share about options. */
#ifndef CONNECTORS_MYSQL_CDC_H
#define CONNECTORS_MYSQL_CDC_H

#include "connectors/mysql/address.h"
#include "connectors/mysql/source.h"

extern const OptionSpec mysql_cdc_options[];
extern const SourceClass mysql_cdc_source;

StartMode mysql_cdc_start_mode(const Options *options);
/* Tables with equal keys are read over one connection. */
const char *mysql_cdc_share_key(const TableInfo *table, Arena *arena);

/* mysql/foreign_options.c: options of Flink CDC's other ways, of Debezium and of the JDBC driver.
 * Checks those given; says which have no effect; adds those that matter to a digest of a
 * connection; and reads those with a meaning, in place of the connector's own (NULL or -1: not
 * given). */
bool mysql_foreign_check(const Options *options, Error *error) MUST_CHECK;
void mysql_foreign_notices(const Options *options, void (*notice)(void *to, const char *text),
                           void *to);
void mysql_foreign_digest(const Options *options, uint64_t *digest);
const char *mysql_foreign_startup(const Options *options);
const char *mysql_foreign_tls(const Options *options);
int64_t mysql_foreign_ms(const Options *options, const char *own);

#endif

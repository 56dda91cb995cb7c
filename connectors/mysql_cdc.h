/* What the connector's files share about options. */
#ifndef CONNECTORS_MYSQL_CDC_H
#define CONNECTORS_MYSQL_CDC_H

#include "connectors/mysql_source.h"

extern const OptionSpec mysql_cdc_options[];
extern const SourceClass mysql_cdc_source;

StartMode mysql_cdc_start_mode(const Options *options);
/* Tables with equal keys are read over one connection. */
const char *mysql_cdc_share_key(const TableInfo *table, Arena *arena);

#endif

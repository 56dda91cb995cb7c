-- Bids in a range of prices, with the part of the day and how often c stands in the padding. The one
-- statement that differs from Flink's is CREATE FUNCTION: the benchmark's is a class, Weir's a library.
CREATE FUNCTION count_char AS 'count_char' LANGUAGE C USING LIBRARY 'count_char.so';

CREATE TABLE nexmark_q14 (
    auction BIGINT,
    bidder BIGINT,
    price DECIMAL(23, 3),
    bidTimeType STRING,
    dateTime TIMESTAMP(3),
    extra STRING,
    c_counts BIGINT
) WITH ('connector' = 'blackhole');

INSERT INTO nexmark_q14
SELECT auction, bidder, 0.908 * price AS price,
       CASE WHEN HOUR(dateTime) >= 8 AND HOUR(dateTime) <= 18 THEN 'dayTime'
            WHEN HOUR(dateTime) <= 6 OR HOUR(dateTime) >= 20 THEN 'nightTime'
            ELSE 'otherTime' END AS bidTimeType,
       dateTime, extra, count_char(extra, 'c') AS c_counts
FROM bid
WHERE 0.908 * price > 1000000 AND 0.908 * price < 50000000;

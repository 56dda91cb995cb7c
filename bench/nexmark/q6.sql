-- Per seller the average of the last winning prices: the winning bid of each auction, then the
-- mean over it and the ten before it, by the time of the bid. Flink refuses OVER on rows that
-- change; the seller is a number here.
CREATE TABLE nexmark_q6 (
    seller BIGINT,
    avg_price BIGINT
) WITH ('connector' = 'blackhole');

INSERT INTO nexmark_q6
SELECT seller,
       AVG(price) OVER (PARTITION BY seller ORDER BY bid_time
                        ROWS BETWEEN 10 PRECEDING AND CURRENT ROW) AS avg_price
FROM (
    SELECT seller, price, bid_time
    FROM (
        SELECT a.id, a.seller, b.price, b.dateTime AS bid_time,
               ROW_NUMBER() OVER (PARTITION BY a.id, a.seller ORDER BY b.price DESC) AS place
        FROM auction AS a
        JOIN bid AS b ON a.id = b.auction
        WHERE b.dateTime BETWEEN a.dateTime AND a.expires
    ) AS ranked
    WHERE place <= 1
) AS winning;

-- The bids at the highest price of each 10 seconds. Price and bidder change places, as the
-- benchmark has it.
CREATE TABLE nexmark_q7 (
    auction BIGINT,
    bidder BIGINT,
    price BIGINT,
    dateTime TIMESTAMP(3),
    extra STRING
) WITH ('connector' = 'blackhole');

INSERT INTO nexmark_q7
SELECT b.auction, b.price, b.bidder, b.dateTime, b.extra
FROM bid AS b
JOIN (
    SELECT MAX(price) AS highest, window_end
    FROM TABLE(TUMBLE(TABLE bid, DESCRIPTOR(dateTime), INTERVAL '10' SECOND))
    GROUP BY window_start, window_end
) AS top
ON b.price = top.highest
WHERE b.dateTime BETWEEN top.window_end - INTERVAL '10' SECOND AND top.window_end;

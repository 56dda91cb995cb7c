-- Bids per bidder and session, a session ending after 10 seconds without one.
CREATE TABLE nexmark_q11 (
    bidder BIGINT,
    bid_count BIGINT,
    starttime TIMESTAMP(3),
    endtime TIMESTAMP(3)
) WITH ('connector' = 'blackhole');

INSERT INTO nexmark_q11
SELECT bidder, COUNT(*), SESSION_START(dateTime, INTERVAL '10' SECOND),
       SESSION_END(dateTime, INTERVAL '10' SECOND)
FROM bid
GROUP BY bidder, SESSION(dateTime, INTERVAL '10' SECOND);

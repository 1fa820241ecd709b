-- Where the channel's next stream may begin, so that sequence numbers never go back. 0: not known.
ALTER TABLE recordings ADD COLUMN next_msn BIGINT NOT NULL DEFAULT 0;

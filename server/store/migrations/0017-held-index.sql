-- What an account's devices leave for the next new one, sealed: one index that is held, and one that is being staged.
-- protocol.md §24.
CREATE TABLE held_index (
  account_uid uid NOT NULL REFERENCES account ON DELETE CASCADE,
  generation_uid uid NOT NULL,
  part_count smallint NOT NULL CHECK (part_count > 0),
  -- False while its parts come.
  complete boolean NOT NULL,
  -- Place of the account's feed up to which it knows everything.
  cursor bigint NOT NULL,
  staged_at moment NOT NULL,
  PRIMARY KEY (account_uid, generation_uid),
  UNIQUE (account_uid, complete)
);
CREATE INDEX held_index_stage ON held_index (staged_at) WHERE NOT complete;

CREATE TABLE held_index_part (
  account_uid uid NOT NULL,
  generation_uid uid NOT NULL,
  part smallint NOT NULL,
  sealed bytea NOT NULL,
  PRIMARY KEY (account_uid, generation_uid, part),
  FOREIGN KEY (account_uid, generation_uid) REFERENCES held_index ON DELETE CASCADE
);
-- It is ciphertext: to compress it costs time and saves nothing.
ALTER TABLE held_index_part ALTER COLUMN sealed SET STORAGE EXTERNAL;

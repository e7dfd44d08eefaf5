-- The owner's signature over what somebody else wrote, once their manifest covers it.
ALTER TABLE record ADD COLUMN adoption_signature bytea NOT NULL DEFAULT '';

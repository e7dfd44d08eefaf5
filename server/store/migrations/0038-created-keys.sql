-- Of a new record, too: its key under the shared folder's, by which a vault knows that an application made it. A share's keys may go
-- with the folder while the write waits. protocol.md §31.6.
UPDATE secret_write SET wrapped_key = secret_key.wrapped_key FROM secret_key
WHERE secret_write.root_uid IS NOT NULL AND secret_key.account_uid = secret_write.account_uid
  AND secret_key.record_uid = secret_write.object_uid AND secret_key.base_revision = 0
  AND secret_key.holder_uid = secret_write.root_uid;

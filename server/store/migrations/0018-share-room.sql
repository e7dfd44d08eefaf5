-- Whether one account shares too much with another is counted along this.
DROP INDEX sharing_grant_granter;
CREATE INDEX sharing_grant_granter ON sharing_grant (granter_uid, grantee_uid);

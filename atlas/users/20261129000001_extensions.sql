-- E-mails are compared without case.
CREATE EXTENSION IF NOT EXISTS citext;

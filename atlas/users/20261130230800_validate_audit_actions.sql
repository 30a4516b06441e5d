-- Check the actions of existing rows, which 20261130221708 leaves unchecked.
ALTER TABLE "audit" VALIDATE CONSTRAINT "audit_action";

-- Check the actions of existing rows, which 20261201031000 leaves unchecked.
ALTER TABLE "audit" VALIDATE CONSTRAINT "audit_action";

-- Check the actions of existing rows, which 20261201110500 leaves unchecked.
ALTER TABLE "audit" VALIDATE CONSTRAINT "audit_action";

-- Modify "transactions" table
ALTER TABLE "transactions" ADD COLUMN "purpose" text NOT NULL DEFAULT '';
